# Overrides modules/postgres in a copy: the AWS provider waits almost three minutes for the emulated database. The plan tests
# cover it, including the missing final snapshot in dev, with a mocked provider.

resource "aws_db_instance" "this" {
  count = 0
}

output "address" {
  value = local.rds ? "database.example.org" : null
}

output "identifier" {
  value = local.rds ? var.name : null
}

output "admin_secret_arn" {
  value = local.rds ? "arn:aws:secretsmanager:eu-west-1:000000000000:secret:rds!db-emulated" : null
}
