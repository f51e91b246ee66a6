# Overrides modules/edge in a copy: an API Gateway domain name never becomes available in the emulator.

resource "aws_apigatewayv2_domain_name" "this" {
  count = 0
}

resource "aws_apigatewayv2_api_mapping" "this" {
  count       = 0
  domain_name = local.api_host
}

resource "aws_route53_record" "api" {
  alias {
    name                   = "gateway.${var.domain}"
    zone_id                = var.zone_id
    evaluate_target_health = false
  }
}
