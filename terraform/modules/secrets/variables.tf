variable "name" {
  description = "Name of the installation and prefix of every secret's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "roles" {
  description = "Database roles, see docs/architecture.md."
  type        = set(string)

  validation {
    condition     = alltrue([for role in var.roles : can(regex("^[a-z]+$", role))])
    error_message = "roles must be lower-case words, without digits or hyphens."
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
  description = "Days within which a deleted secret can be restored; 0 deletes immediately and frees the name."
  type        = number
  default     = 7

  validation {
    condition     = var.recovery_days == 0 || (var.recovery_days >= 7 && var.recovery_days <= 30)
    error_message = "recovery_days must be 0, or between 7 and 30."
  }
}

variable "keys" {
  description = "Keys that are generated in the cluster, each a secret with one string: django/secret-key signs sessions and cursors."
  type        = set(string)
  default     = ["django/secret-key"]

  validation {
    condition     = alltrue([for key in var.keys : can(regex("^[a-z-]+/[a-z-]+$", key))])
    error_message = "keys must be two lower-case words with a slash between them."
  }
}

variable "tokens" {
  description = "Tokens that you write once, such as Grafana's service account token and the alert receivers; their secrets start empty."
  type        = set(string)
  default     = ["alerting/receivers", "grafana/token"]

  validation {
    condition     = alltrue([for token in var.tokens : can(regex("^[a-z-]+/[a-z-]+$", token))])
    error_message = "tokens must be two lower-case words with a slash between them."
  }
}
