output "api_url" {
  description = "Public URL of the API."
  value       = "https://${local.api_host}/api/"
}

output "target_group_arn" {
  description = "Target group that the web pods join with a TargetGroupBinding."
  value       = aws_lb_target_group.web.arn
}

output "balancer_dimension" {
  description = "CloudWatch dimension LoadBalancer."
  value       = aws_lb.this.arn_suffix
}

output "target_group_dimension" {
  description = "CloudWatch dimension TargetGroup."
  value       = aws_lb_target_group.web.arn_suffix
}

output "api_id" {
  description = "CloudWatch dimension ApiId of the HTTP API."
  value       = aws_apigatewayv2_api.this.id
}

output "certificate_arn" {
  description = "CloudWatch dimension CertificateArn of the API's certificate."
  value       = aws_acm_certificate.this.arn
}

output "function_name" {
  description = "Name of the probe's function."
  value       = aws_lambda_function.probe.function_name
}

output "probe_secret_name" {
  description = "Name of the secret that holds the probe's key."
  value       = aws_secretsmanager_secret.probe.name
}

output "probe_secret_arn" {
  description = "ARN of the secret that holds the probe's key."
  value       = aws_secretsmanager_secret.probe.arn
}
