output "api_url" {
  description = "Where third parties find the API."
  value       = "https://${local.api_host}/api/"
}

output "target_group_arn" {
  description = "Target group that the web pods join by a TargetGroupBinding."
  value       = aws_lb_target_group.web.arn
}

output "balancer_dimension" {
  description = "The load balancer as CloudWatch's dimension LoadBalancer names it."
  value       = aws_lb.this.arn_suffix
}

output "target_group_dimension" {
  description = "The target group as CloudWatch's dimension TargetGroup names it."
  value       = aws_lb_target_group.web.arn_suffix
}

output "api_id" {
  description = "The HTTP API, as CloudWatch's dimension ApiId names it."
  value       = aws_apigatewayv2_api.this.id
}

output "certificate_arn" {
  description = "The API's certificate, as CloudWatch's dimension CertificateArn names it."
  value       = aws_acm_certificate.this.arn
}

output "function_name" {
  description = "The probe's function."
  value       = aws_lambda_function.probe.function_name
}

output "probe_secret_name" {
  description = "Name of the secret that holds the probe's key."
  value       = aws_secretsmanager_secret.probe.name
}

output "probe_secret_arn" {
  description = "The secret that holds the probe's key."
  value       = aws_secretsmanager_secret.probe.arn
}
