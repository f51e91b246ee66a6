output "address" {
  description = "Host of the database; null where it runs in the cluster."
  value       = local.rds ? aws_db_instance.this[0].address : null
}

output "identifier" {
  description = "Name of the instance for CloudWatch; null where it runs in the cluster."
  value       = local.rds ? aws_db_instance.this[0].identifier : null
}

output "admin_secret_arn" {
  description = "The administrator's secret, which RDS keeps and rotates; null where the cluster runs PostgreSQL."
  value       = local.rds ? aws_db_instance.this[0].master_user_secret[0].secret_arn : null
}

output "backup_bucket" {
  description = "Bucket of base backups and WAL; null with RDS, which keeps them itself, and with Bitnami's chart, which makes none."
  value       = local.operator ? aws_s3_bucket.backups[0].bucket : null
}
