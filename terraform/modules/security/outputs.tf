output "ids" {
  description = "The groups by role: nodes, balancer, link, function, postgres, kafka."
  value       = { for role, group in aws_security_group.this : role => group.id }
}

output "kms_key_arn" {
  description = "The key that encrypts everything that rests."
  value       = aws_kms_key.this.arn
}
