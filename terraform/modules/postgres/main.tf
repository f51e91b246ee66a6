# PostgreSQL on RDS (the default), or in the cluster, where charts own it and this module owns only the operator's
# backup bucket. docs/guides/postgres-options.md compares the options.

locals {
  rds      = var.mode == "rds"
  operator = var.mode == "cloudnativepg"
}

resource "aws_db_subnet_group" "this" {
  count = local.rds ? 1 : 0

  name        = var.name
  description = "Private subnets of the database"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  count = local.rds ? 1 : 0

  name_prefix = "${var.name}-"
  family      = "postgres${var.engine_version}"
  description = "TLS only, statements measured, slow ones logged"

  dynamic "parameter" {
    for_each = {
      "rds.force_ssl"                       = { value = "1", when = "immediate" }
      "shared_preload_libraries"            = { value = "pg_stat_statements", when = "pending-reboot" }
      "pg_stat_statements.track"            = { value = "top", when = "immediate" }
      "log_min_duration_statement"          = { value = "1000", when = "immediate" }
      "log_lock_waits"                      = { value = "1", when = "immediate" }
      "idle_in_transaction_session_timeout" = { value = "300000", when = "immediate" }
      # An ingest worker's transaction writes up to 200 datasets, each with its partition and indexes.
      "max_locks_per_transaction" = { value = "256", when = "pending-reboot" }
    }

    content {
      name         = parameter.key
      value        = parameter.value.value
      apply_method = parameter.value.when
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(local.rds ? ["postgresql", "upgrade"] : [])

  # Created first: RDS would create it without retention and unencrypted.
  name              = "/aws/rds/instance/${var.name}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_iam_role" "monitoring" {
  count = local.rds ? 1 : 0

  name = "${var.name}-rds-monitoring"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  count = local.rds ? 1 : 0

  role       = aws_iam_role.monitoring[0].name
  policy_arn = "arn:${var.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_db_instance" "this" {
  count = local.rds ? 1 : 0

  identifier     = var.name
  engine         = "postgres"
  engine_version = var.engine_version # major only: RDS chooses the minor version, see auto_minor_version_upgrade
  instance_class = var.instance_class
  db_name        = "anden"
  username       = "anden_admin"

  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.kms_key_arn

  allocated_storage     = var.storage_gib
  max_allocated_storage = var.storage_max_gib
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = var.kms_key_arn

  multi_az               = var.multi_az
  db_subnet_group_name   = aws_db_subnet_group.this[0].name
  vpc_security_group_ids = [var.security_group_id]
  publicly_accessible    = false
  ca_cert_identifier     = "rds-ca-rsa2048-g1"
  parameter_group_name   = aws_db_parameter_group.this[0].name

  backup_retention_period   = var.backup_days
  backup_window             = "02:00-03:00"
  maintenance_window        = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot     = true
  delete_automated_backups  = !var.protected
  deletion_protection       = var.protected
  skip_final_snapshot       = !var.protected
  final_snapshot_identifier = var.protected ? "${var.name}-final" : null

  auto_minor_version_upgrade            = true
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  monitoring_interval                   = 60
  monitoring_role_arn                   = aws_iam_role.monitoring[0].arn
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.kms_key_arn
  performance_insights_retention_period = 7

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy_attachment.monitoring]
}

# --- With the operator: base backups and WAL, for point-in-time recovery ---------------------------------------------

resource "aws_s3_bucket" "backups" {
  count = local.operator ? 1 : 0

  bucket_prefix = "${var.name}-postgres-"
  force_destroy = !var.protected
}

resource "aws_s3_bucket_public_access_block" "backups" {
  count = local.operator ? 1 : 0

  bucket                  = aws_s3_bucket.backups[0].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "backups" {
  count = local.operator ? 1 : 0

  bucket = aws_s3_bucket.backups[0].id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_versioning" "backups" {
  count = local.operator ? 1 : 0

  bucket = aws_s3_bucket.backups[0].id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "backups" {
  count = local.operator ? 1 : 0

  bucket = aws_s3_bucket.backups[0].id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = var.backup_days
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
  }

  depends_on = [aws_s3_bucket_versioning.backups]
}
