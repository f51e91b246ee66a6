# One security group per role; every rule is from group to group.

locals {
  roles = {
    nodes    = "Nodes of the cluster and the pods on them"
    balancer = "The internal load balancer in front of the web pods"
    link     = "The network interfaces of API Gateway's VPC link"
    function = "Lambda functions"
    postgres = "PostgreSQL"
    kafka    = "Brokers of MSK"
  }

  # Source, target and port. Each line becomes an egress rule of one group and an ingress rule of the other.
  flows = {
    link_to_balancer     = { from = "link", to = "balancer", port = 443, why = "API Gateway calls the load balancer" }
    balancer_to_nodes    = { from = "balancer", to = "nodes", port = var.web_port, why = "The load balancer calls the web pods" }
    nodes_to_postgres    = { from = "nodes", to = "postgres", port = 5432, why = "Pods connect to PostgreSQL" }
    function_to_postgres = { from = "function", to = "postgres", port = 5432, why = "The API's function connects to PostgreSQL" }
    nodes_to_kafka       = { from = "nodes", to = "kafka", port = 9098, why = "Workers read Kafka, with IAM over TLS" }
    function_to_balancer = { from = "function", to = "balancer", port = 443, why = "The probe calls the API from inside the VPC" }
    kafka_to_kafka       = { from = "kafka", to = "kafka", port = null, why = "Brokers replicate to each other" }
    nodes_to_nodes       = { from = "nodes", to = "nodes", port = null, why = "Pods talk to pods; NetworkPolicies restrict them" }
  }
}

resource "aws_security_group" "this" {
  for_each = local.roles

  name        = "${var.name}-${each.key}"
  description = each.value
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-${each.key}" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  description                  = each.value.why
  ip_protocol                  = each.value.port == null ? "-1" : "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  description                  = each.value.why
  ip_protocol                  = each.value.port == null ? "-1" : "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
}

# AWS services use HTTPS; images, charts and identity tokens come from outside the VPC.
resource "aws_vpc_security_group_egress_rule" "https" {
  for_each = toset(["nodes", "function"])

  security_group_id = aws_security_group.this[each.key].id
  description       = "HTTPS to AWS's services, registries and Grafana"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# One customer-managed key for all data at rest: secrets, logs, disks, topics, tables, images.
resource "aws_kms_key" "this" {
  description             = "All data at rest in ${var.name}"
  enable_key_rotation     = true
  deletion_window_in_days = var.key_deletion_days

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountDecidesByIam"
        Effect    = "Allow"
        Action    = "kms:*"
        Resource  = "*"
        Principal = { AWS = "arn:${var.partition}:iam::${var.account_id}:root" }
      },
      {
        Sid       = "LogsOfThisStation"
        Effect    = "Allow"
        Action    = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
        Resource  = "*"
        Principal = { Service = "logs.${var.region}.amazonaws.com" }
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = [
              "arn:${var.partition}:logs:${var.region}:${var.account_id}:log-group:/*",
              "arn:${var.partition}:logs:${var.region}:${var.account_id}:log-group:aws-waf-logs-${var.name}",
            ]
          }
        }
      },
      {
        # The alarms' topic is encrypted: without this, CloudWatch cannot publish to it.
        Sid       = "AlarmsOfThisAccount"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Condition = {
          StringEquals = { "aws:SourceAccount" = var.account_id }
        }
      },
    ]
  })
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this.key_id
}
