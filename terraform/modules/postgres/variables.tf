variable "name" {
  description = "Name of the database instance."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "partition" {
  description = "AWS partition: aws, aws-us-gov or aws-cn."
  type        = string
  default     = "aws"

  validation {
    condition     = contains(["aws", "aws-us-gov", "aws-cn"], var.partition)
    error_message = "partition must be aws, aws-us-gov or aws-cn."
  }
}

variable "mode" {
  description = "Where PostgreSQL runs: rds, cloudnativepg (operator in the cluster) or bitnami (one chart, no failover)."
  type        = string
  default     = "rds"

  validation {
    condition     = contains(["rds", "cloudnativepg", "bitnami"], var.mode)
    error_message = "mode must be rds, cloudnativepg or bitnami."
  }
}

variable "engine_version" {
  description = "Major version of PostgreSQL. RDS raises the minor version automatically and would reject an older one set here."
  type        = string
  default     = "17"

  validation {
    condition     = can(regex("^1[6-9]$", var.engine_version))
    error_message = "engine_version must be a major version such as 17, at least 16 (manage.py roles ensure needs it): RDS chooses the minor version."
  }
}

variable "instance_class" {
  description = "Instance class."
  type        = string

  validation {
    condition     = startswith(var.instance_class, "db.")
    error_message = "instance_class must start with db., as in db.m7g.large."
  }
}

variable "storage_gib" {
  description = "Initial storage, GiB."
  type        = number
  default     = 50

  validation {
    condition     = var.storage_gib >= 20 && var.storage_gib <= 65536
    error_message = "storage_gib must be between 20 and 65536."
  }
}

variable "storage_max_gib" {
  description = "Maximum storage, GiB; RDS grows it automatically."
  type        = number
  default     = 500

  validation {
    condition     = var.storage_max_gib > var.storage_gib && var.storage_max_gib <= 65536
    error_message = "storage_max_gib must be more than storage_gib and at most 65536."
  }
}

variable "multi_az" {
  description = "Whether a standby in another zone takes over on failure; it doubles the price."
  type        = bool
  default     = true
}

variable "protected" {
  description = "Whether the database resists a destroy: deletion protection, a final snapshot, retained backups."
  type        = bool
  default     = true
}

variable "backup_days" {
  description = "Retention for point-in-time recovery, days."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "backup_days must be between 1 and 35: 0 would disable point-in-time recovery."
  }

  validation {
    condition     = !var.protected || var.backup_days >= 14
    error_message = "backup_days must be 14 or more if the database is protected."
  }
}

variable "subnet_ids" {
  description = "Private subnets, one per zone."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must list subnets in at least two zones."
  }
}

variable "security_group_id" {
  description = "Security group of the database."
  type        = string

  validation {
    condition     = startswith(var.security_group_id, "sg-")
    error_message = "security_group_id must start with sg-."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts storage, backups and logs."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "log_retention_days" {
  description = "Retention of the database's logs, days."
  type        = number

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be 7, 14, 30, 60, 90, 180 or 365."
  }
}
