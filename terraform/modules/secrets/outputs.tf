output "names" {
  description = "Names of the secrets in Secrets Manager, by database role."
  value       = { for role, secret in aws_secretsmanager_secret.this : role => secret.name }
}

output "arns" {
  description = "The secrets, by database role, key or token."
  value       = { for name, secret in merge(aws_secretsmanager_secret.this, aws_secretsmanager_secret.plain) : name => secret.arn }
}
