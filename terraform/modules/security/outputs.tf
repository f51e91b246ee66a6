output "ids" {
  description = "Security groups by role: nodes, balancer, link, function, postgres, kafka."
  value       = { for role, group in aws_security_group.this : role => group.id }
}

output "kms_key_arn" {
  description = "ARN of the key that encrypts all data at rest."
  value       = aws_kms_key.this.arn
}
