output "names" {
  description = "Names of the secrets in Secrets Manager, by database role."
  value       = { for role, secret in aws_secretsmanager_secret.this : role => secret.name }
}

output "arns" {
  description = "The secrets, by database role."
  value       = { for role, secret in aws_secretsmanager_secret.this : role => secret.arn }
}
