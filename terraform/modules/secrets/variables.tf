variable "name" {
  description = "Name of the station; the first part of every secret's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "roles" {
  description = "Database roles of the station, as the architecture names them."
  type        = set(string)

  validation {
    condition     = alltrue([for role in var.roles : can(regex("^[a-z]+$", role))])
    error_message = "roles must be lower-case words."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the secrets."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "recovery_days" {
  description = "Days within which a deleted secret can be brought back; 0 deletes at once, so that a name is free again."
  type        = number
  default     = 7

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)
    error_message = "recovery_days must be 0, or between 7 and 30."
  }
}

variable "keys" {
  description = "Keys that are drawn in the cluster, each a secret of one string: django/secret-key signs sessions and cursors."
  type        = set(string)
  default     = ["django/secret-key"]

  validation {
    condition     = alltrue([for key in var.keys : can(regex("^[a-z-]+/[a-z-]+$", key))])
    error_message = "keys must be two lower-case words with a slash between them."
  }
}

variable "tokens" {
  description = "Tokens that a person writes once, as Grafana's service account and where alerts go; their secrets begin empty."
  type        = set(string)
  default     = ["alerting/receivers", "grafana/token"]

  validation {
    condition     = alltrue([for token in var.tokens : can(regex("^[a-z-]+/[a-z-]+$", token))])
    error_message = "tokens must be two lower-case words with a slash between them."
  }
}
