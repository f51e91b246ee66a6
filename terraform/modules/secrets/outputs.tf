output "names" {
  description = "Names of the secrets in Secrets Manager, by database role."
  value       = { for role, secret in aws_secretsmanager_secret.this : role => secret.name }
}

output "arns" {
  description = "ARNs of the secrets, by database role, key or token."
  value       = { for name, secret in merge(aws_secretsmanager_secret.this, aws_secretsmanager_secret.plain) : name => secret.arn }
}

output "generated_arns" {
  description = "ARNs of the secrets whose values are generated in the cluster: database roles and keys."
  value = concat(
    [for secret in values(aws_secretsmanager_secret.this) : secret.arn],
    [for key in sort(var.keys) : aws_secretsmanager_secret.plain[key].arn],
  )
}
