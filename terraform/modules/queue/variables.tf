variable "name" {
  description = "Name of the installation and prefix of every queue's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the messages."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "longest_job_s" {
  description = "Visibility timeout, seconds: a job that takes longer is also given to another worker."
  type        = number
  default     = 3600

  validation {
    condition     = var.longest_job_s >= 60 && var.longest_job_s <= 43200
    error_message = "longest_job_s must be between 60 and 43200."
  }
}
