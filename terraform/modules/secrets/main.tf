# Empty secrets: Terraform makes and deletes them, and never sees a value. What the station can draw itself is drawn by
# charts/secrets; what only a person has, a person writes.

resource "aws_secretsmanager_secret" "this" {
  for_each = var.roles

  name                    = "${var.name}/postgres/${each.key}"
  description             = "The database role ${each.key} of the station"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_days
}

resource "aws_secretsmanager_secret" "plain" {
  for_each = setunion(var.keys, var.tokens)

  name                    = "${var.name}/${each.key}"
  description             = contains(var.keys, each.key) ? "A key of the station, drawn in the cluster" : "A token that is written once by hand"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_days
}
