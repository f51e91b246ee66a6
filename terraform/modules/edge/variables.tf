variable "name" {
  description = "Name of the installation and prefix of every resource's name."
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

variable "domain" {
  description = "Domain of the installation; the API is at api.<domain>."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain must be a domain name such as data.example.org."
  }
}

variable "zone_id" {
  description = "Route 53 hosted zone of the domain."
  type        = string

  validation {
    condition     = can(regex("^Z[A-Z0-9]+$", var.zone_id))
    error_message = "zone_id must be a hosted zone ID: Z, then capital letters and digits."
  }
}

variable "vpc_id" {
  description = "The VPC of the load balancer."
  type        = string

  validation {
    condition     = startswith(var.vpc_id, "vpc-")
    error_message = "vpc_id must start with vpc-."
  }
}

variable "private_subnet_ids" {
  description = "Private subnets of the load balancer, VPC link and function, one per zone."
  type        = list(string)

  validation {
    condition     = length(var.private_subnet_ids) >= 2
    error_message = "private_subnet_ids must list subnets in at least two zones."
  }
}

variable "security_group_ids" {
  description = "Security groups of the load balancer, VPC link and function."
  type        = object({ balancer = string, link = string, function = string })

  validation {
    condition     = alltrue([for id in values(var.security_group_ids) : startswith(id, "sg-")])
    error_message = "security_group_ids must start with sg-."
  }
}

variable "web_port" {
  description = "Port that the web pods listen on."
  type        = number
  default     = 8000

  validation {
    condition     = var.web_port > 1023 && var.web_port < 65536
    error_message = "web_port must be between 1024 and 65535."
  }
}

variable "protected" {
  description = "Whether the load balancer resists a destroy."
  type        = bool
  default     = true
}

variable "requests_per_second" {
  description = "Requests per second above which the API returns 429."
  type        = number
  default     = 200

  validation {
    condition     = var.requests_per_second > 0 && var.requests_per_second <= 10000
    error_message = "requests_per_second must be between 1 and 10000."
  }
}

variable "requests_burst" {
  description = "Burst of requests above which the API returns 429."
  type        = number
  default     = 400

  validation {
    condition     = var.requests_burst > 0 && var.requests_burst <= 5000
    error_message = "requests_burst must be between 1 and 5000."
  }
}

variable "waf_requests_per_5_minutes" {
  description = "Requests from one IP address within five minutes before WAF blocks it; 0 disables WAF."
  type        = number
  default     = 20000

  validation {
    condition     = var.waf_requests_per_5_minutes == 0 || (var.waf_requests_per_5_minutes >= 100 && var.waf_requests_per_5_minutes <= 2000000000)
    error_message = "waf_requests_per_5_minutes must be 0, or 100 or more."
  }
}

variable "probe_zip" {
  description = "Path of the zip with the probe's code; its handler is functions.probe.handler."
  type        = string

  validation {
    condition     = endswith(var.probe_zip, ".zip")
    error_message = "probe_zip must be the path of a .zip file."
  }
}

variable "probe_concurrency" {
  description = "Concurrent invocations of the probe: it is public, so it must not use up the account's concurrency."
  type        = number
  default     = 2

  validation {
    condition     = var.probe_concurrency >= 1 && var.probe_concurrency <= 10
    error_message = "probe_concurrency must be between 1 and 10."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts logs and secrets."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "secret_recovery_days" {
  description = "Days within which a deleted secret can be restored; 0 deletes immediately."
  type        = number
  default     = 7

  validation {
    condition     = var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30)
    error_message = "secret_recovery_days must be 0, or between 7 and 30."
  }
}

variable "log_retention_days" {
  description = "Retention of access and function logs, days."
  type        = number

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be 7, 14, 30, 60, 90, 180 or 365."
  }
}
