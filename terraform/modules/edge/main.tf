# The path for third parties: HTTP API → VPC link → internal load balancer → web pods, and the probe's function.
# Terraform owns the load balancer and its target group; pods join with a TargetGroupBinding, so destroy leaves nothing.

locals {
  api_host = "api.${var.domain}"

  # The caller's IP as the gateway sees it. X-Forwarded-For starts with whatever the caller sent.
  caller_header = "X-Caller-Address"

  # Public routes. The admin, /metrics and the health endpoints are not public.
  routes = {
    "ANY /api/{proxy+}" = "web"
    "ANY /api"          = "web"
    "GET /station"      = "probe"
  }
}

# --- Certificate ----------------------------------------------------------------------------------------------------

resource "aws_acm_certificate" "this" {
  domain_name       = local.api_host
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  zone_id         = var.zone_id
  name            = one(aws_acm_certificate.this.domain_validation_options).resource_record_name
  type            = one(aws_acm_certificate.this.domain_validation_options).resource_record_type
  records         = [one(aws_acm_certificate.this.domain_validation_options).resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  certificate_arn         = aws_acm_certificate.this.arn
  validation_record_fqdns = [aws_route53_record.validation.fqdn]
}

# --- Load balancer --------------------------------------------------------------------------------------------------

resource "aws_lb" "this" {
  name                       = var.name
  internal                   = true
  load_balancer_type         = "application"
  subnets                    = var.private_subnet_ids
  security_groups            = [var.security_group_ids.balancer]
  drop_invalid_header_fields = true
  enable_deletion_protection = var.protected
  idle_timeout               = 60
}

resource "aws_lb_target_group" "web" {
  name                 = "${var.name}-web"
  target_type          = "ip"
  port                 = var.web_port
  protocol             = "HTTP"
  vpc_id               = var.vpc_id
  deregistration_delay = 35

  health_check {
    path                = "/readyz"
    matcher             = "200"
    interval            = 10
    timeout             = 6
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = aws_acm_certificate_validation.this.certificate_arn

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "application/json"
      status_code  = "404"
      message_body = jsonencode({ type = "about:blank", title = "Not found", status = 404 })
    }
  }
}

resource "aws_lb_listener_rule" "web" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 100

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }

  condition {
    path_pattern {
      values = ["/api", "/api/*"]
    }
  }
}

# WAF cannot be attached to an HTTP API, so it protects the load balancer and counts by the caller's IP.
resource "aws_wafv2_web_acl" "this" {
  count = var.waf_requests_per_5_minutes > 0 ? 1 : 0

  name        = var.name
  description = "Rate-limits IP addresses and blocks known bad inputs"
  scope       = "REGIONAL"

  default_action {
    allow {}
  }

  rule {
    name     = "rate-limit-per-ip"
    priority = 1

    action {
      block {}
    }

    statement {
      rate_based_statement {
        limit              = var.waf_requests_per_5_minutes
        aggregate_key_type = "FORWARDED_IP"

        forwarded_ip_config {
          header_name       = local.caller_header
          fallback_behavior = "MATCH"
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-rate-limit-per-ip"
      sampled_requests_enabled   = true
    }
  }

  rule {
    name     = "known-bad-inputs"
    priority = 2

    override_action {
      none {}
    }

    statement {
      managed_rule_group_statement {
        vendor_name = "AWS"
        name        = "AWSManagedRulesKnownBadInputsRuleSet"
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-known-bad-inputs"
      sampled_requests_enabled   = true
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    sampled_requests_enabled   = true
  }
}

resource "aws_wafv2_web_acl_association" "this" {
  count = var.waf_requests_per_5_minutes > 0 ? 1 : 0

  resource_arn = aws_lb.this.arn
  web_acl_arn  = aws_wafv2_web_acl.this[0].arn
}

resource "aws_cloudwatch_log_group" "waf" {
  count = var.waf_requests_per_5_minutes > 0 ? 1 : 0

  name              = "aws-waf-logs-${var.name}" # WAF requires this prefix
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# Logs blocked requests and the rule that blocked them, without keys or query strings; allowed requests are not logged.
resource "aws_wafv2_web_acl_logging_configuration" "this" {
  count = var.waf_requests_per_5_minutes > 0 ? 1 : 0

  resource_arn            = aws_wafv2_web_acl.this[0].arn
  log_destination_configs = [aws_cloudwatch_log_group.waf[0].arn]

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  redacted_fields {
    query_string {}
  }

  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      condition {
        action_condition {
          action = "BLOCK"
        }
      }
    }
  }
}

# --- HTTP API -------------------------------------------------------------------------------------------------------

resource "aws_apigatewayv2_vpc_link" "this" {
  name               = var.name
  subnet_ids         = var.private_subnet_ids
  security_group_ids = [var.security_group_ids.link]
}

resource "aws_apigatewayv2_api" "this" {
  name                         = var.name
  description                  = "Andén's API for third parties"
  protocol_type                = "HTTP"
  disable_execute_api_endpoint = true # only the custom domain, which has a certificate and a log
}

resource "aws_apigatewayv2_integration" "web" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "HTTP_PROXY"
  integration_method     = "ANY"
  integration_uri        = aws_lb_listener.https.arn
  connection_type        = "VPC_LINK"
  connection_id          = aws_apigatewayv2_vpc_link.this.id
  payload_format_version = "1.0"
  timeout_milliseconds   = 29000

  tls_config {
    server_name_to_verify = local.api_host
  }

  # Otherwise the gateway sends its own Host header, which Django rejects.
  request_parameters = {
    "overwrite:header.Host"                   = local.api_host
    "overwrite:header.${local.caller_header}" = "$context.identity.sourceIp"
  }
}

resource "aws_apigatewayv2_integration" "probe" {
  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_uri        = aws_lambda_function.probe.invoke_arn
  payload_format_version = "2.0"
  timeout_milliseconds   = 29000
}

resource "aws_apigatewayv2_route" "this" {
  for_each = local.routes

  api_id    = aws_apigatewayv2_api.this.id
  route_key = each.key
  target    = "integrations/${each.value == "web" ? aws_apigatewayv2_integration.web.id : aws_apigatewayv2_integration.probe.id}"
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/${var.name}/api-access"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    detailed_metrics_enabled = true
    throttling_rate_limit    = var.requests_per_second
    throttling_burst_limit   = var.requests_burst
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn

    # No query strings or headers: they may contain keys or personal data.
    format = jsonencode({
      at          = "$context.requestTime"
      request     = "$context.requestId"
      address     = "$context.identity.sourceIp"
      method      = "$context.httpMethod"
      route       = "$context.routeKey"
      status      = "$context.status"
      bytes       = "$context.responseLength"
      total_ms    = "$context.responseLatency"
      upstream_ms = "$context.integrationLatency"
      error       = "$context.integrationErrorMessage"
    })
  }
}

resource "aws_apigatewayv2_domain_name" "this" {
  domain_name = local.api_host

  domain_name_configuration {
    certificate_arn = aws_acm_certificate_validation.this.certificate_arn
    endpoint_type   = "REGIONAL"
    security_policy = "TLS_1_2"
  }
}

resource "aws_apigatewayv2_api_mapping" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  domain_name = aws_apigatewayv2_domain_name.this.id
  stage       = aws_apigatewayv2_stage.this.id
}

resource "aws_route53_record" "api" {
  zone_id = var.zone_id
  name    = local.api_host
  type    = "A"

  alias {
    name                   = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].target_domain_name
    zone_id                = aws_apigatewayv2_domain_name.this.domain_name_configuration[0].hosted_zone_id
    evaluate_target_health = false
  }
}

# --- The probe's function: runs inside the VPC on a schedule, and serves its result at /station ----------------------

resource "aws_cloudwatch_log_group" "probe" {
  name              = "/aws/lambda/${var.name}-probe"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_secretsmanager_secret" "probe" {
  name                    = "${var.name}/probe/key"
  description             = "The probe's key, which reads one row: `manage.py probe install` writes it"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.secret_recovery_days
}

resource "aws_iam_role" "probe" {
  name = "${var.name}-probe-function"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "probe" {
  role       = aws_iam_role.probe.name
  policy_arn = "arn:${var.partition}:iam::aws:policy/service-role/AWSLambdaVPCAccessExecutionRole"
}

resource "aws_iam_role_policy" "probe" {
  name = "own-key-and-traces"
  role = aws_iam_role.probe.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Key"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = aws_secretsmanager_secret.probe.arn
      },
      {
        Sid      = "Decrypt"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.kms_key_arn
      },
      {
        Sid      = "Trace"
        Effect   = "Allow"
        Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
        Resource = "*"
      },
    ]
  })
}

resource "aws_lambda_function" "probe" {
  function_name    = "${var.name}-probe"
  description      = "Checks that the API returns the right row and enforces grants"
  role             = aws_iam_role.probe.arn
  runtime          = "python3.12"
  architectures    = ["arm64"]
  handler          = "functions.probe.handler"
  filename         = var.probe_zip
  source_code_hash = filebase64sha256(var.probe_zip)
  memory_size      = 512
  timeout          = 25
  kms_key_arn      = var.kms_key_arn

  reserved_concurrent_executions = var.probe_concurrency

  environment {
    variables = {
      ANDEN_PROBE_URL        = "https://${local.api_host}"
      ANDEN_PROBE_KEY_SECRET = aws_secretsmanager_secret.probe.name
    }
  }

  vpc_config {
    subnet_ids         = var.private_subnet_ids
    security_group_ids = [var.security_group_ids.function]
  }

  tracing_config {
    mode = "Active"
  }

  depends_on = [aws_cloudwatch_log_group.probe, aws_iam_role_policy_attachment.probe]
}

resource "aws_lambda_permission" "api" {
  statement_id  = "HttpApi"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.probe.function_name
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_apigatewayv2_api.this.execution_arn}/*/GET/station"
}

resource "aws_cloudwatch_event_rule" "probe" {
  name                = "${var.name}-probe"
  description         = "Runs every five minutes, which also keeps the VPC link active: it sleeps after 60 idle days"
  schedule_expression = "rate(5 minutes)"
}

resource "aws_cloudwatch_event_target" "probe" {
  rule = aws_cloudwatch_event_rule.probe.name
  arn  = aws_lambda_function.probe.arn
}

resource "aws_lambda_permission" "schedule" {
  statement_id  = "Schedule"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.probe.function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.probe.arn
}
