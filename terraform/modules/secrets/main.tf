# Empty secrets: Terraform creates and deletes them, and never sees a value. charts/secrets generates passwords and keys;
# you write the tokens.

resource "aws_secretsmanager_secret" "this" {
  for_each = var.roles

  name                    = "${var.name}/postgres/${each.key}"
  description             = "The database role ${each.key}"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_days
}

resource "aws_secretsmanager_secret" "plain" {
  for_each = setunion(var.keys, var.tokens)

  name                    = "${var.name}/${each.key}"
  description             = contains(var.keys, each.key) ? "A key, generated in the cluster" : "A token, written once by hand"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_days
}
