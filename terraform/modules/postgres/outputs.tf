output "address" {
  description = "Host name of the database; null if it runs in the cluster."
  value       = local.rds ? aws_db_instance.this[0].address : null
}

output "identifier" {
  description = "Instance identifier for CloudWatch; null if it runs in the cluster."
  value       = local.rds ? aws_db_instance.this[0].identifier : null
}

output "admin_secret_arn" {
  description = "ARN of the administrator's secret, which RDS rotates; null if PostgreSQL runs in the cluster."
  value       = local.rds ? aws_db_instance.this[0].master_user_secret[0].secret_arn : null
}

output "backup_bucket" {
  description = "Bucket of base backups and WAL; null with RDS, which stores them itself, and with Bitnami's chart, which has none."
  value       = local.operator ? aws_s3_bucket.backups[0].bucket : null
}
