variable "name" {
  description = "Name of the installation and prefix of every resource's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "region" {
  description = "Region shown on the dashboards."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region code such as eu-west-1."
  }
}

variable "dashboards_folder" {
  description = "Directory of the rendered CloudWatch dashboards."
  type        = string

  validation {
    condition     = length(fileset(var.dashboards_folder, "*.json")) > 0
    error_message = "dashboards_folder must contain at least one dashboard."
  }
}

variable "alarms" {
  description = "CloudWatch alarms: metric, dimensions, threshold and runbook."
  type = map(object({
    description = string
    namespace   = string
    metric_name = string
    statistic   = string
    dimensions  = map(string)
    comparison  = string
    threshold   = number
    period_s    = optional(number, 60)
    periods     = optional(number, 5)
    missing     = optional(string, "missing")
    runbook     = string
  }))

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : contains(["GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"], alarm.comparison)])
    error_message = "alarms: comparison must be one of CloudWatch's four operators."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : contains(["missing", "breaching", "notBreaching", "ignore"], alarm.missing)])
    error_message = "alarms: missing must be missing, breaching, notBreaching or ignore."
  }

  validation {
    condition     = alltrue([for alarm in values(var.alarms) : can(regex("^docs/runbooks/[a-z0-9-]+\\.md$", alarm.runbook))])
    error_message = "alarms: runbook must be a file in docs/runbooks/."
  }
}

variable "emails" {
  description = "Email recipients; each must confirm the subscription once."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+$", email))])
    error_message = "emails must be email addresses."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the alarms' topic."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}
