# One password for each database role: made here, written once, in no state, plan or log. `manage.py migrate` gives it to
# the role. Whoever keeps passwords elsewhere writes them into the same secrets and says so by write_passwords.

locals {
  written = var.write_passwords ? var.roles : []
}

ephemeral "aws_secretsmanager_random_password" "this" {
  for_each = local.written

  password_length     = 48
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "this" {
  for_each = var.roles

  name                    = "${var.name}/postgres/${each.key}"
  description             = "The database role ${each.key} of the station"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_days
}

resource "aws_secretsmanager_secret_version" "this" {
  for_each = local.written

  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo_version = var.password_version

  secret_string_wo = jsonencode({
    username = "anden_${each.key}"
    password = ephemeral.aws_secretsmanager_random_password.this[each.key].random_password
  })
}

# Secrets of one string: keys that are made here, and tokens that a person brings once, so that they begin empty.

ephemeral "aws_secretsmanager_random_password" "key" {
  for_each = var.write_passwords ? var.keys : []

  password_length     = 64
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "plain" {
  for_each = setunion(var.keys, var.tokens)

  name                    = "${var.name}/${each.key}"
  description             = contains(var.keys, each.key) ? "A key of the station, made by Terraform" : "A token that is written once by hand"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.recovery_days
}

resource "aws_secretsmanager_secret_version" "key" {
  for_each = var.write_passwords ? var.keys : []

  secret_id                = aws_secretsmanager_secret.plain[each.key].id
  secret_string_wo_version = var.password_version
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.key[each.key].random_password
}
