variable "name" {
  description = "Name of the installation and prefix of every resource's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "region" {
  description = "Region of the VPC, such as eu-west-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region code such as eu-west-1."
  }
}

variable "zones" {
  description = "Three availability zones: Kafka and PostgreSQL survive the loss of one."
  type        = list(string)

  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3
    error_message = "zones must list three different availability zones."
  }

  validation {
    condition     = alltrue([for zone in var.zones : startswith(zone, var.region)])
    error_message = "zones must be in the region."
  }
}

variable "cidr" {
  description = "CIDR block of the VPC: private, /16 to /20, and not overlapping any network you connect to."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr)) && try(tonumber(split("/", var.cidr)[1]), 0) >= 16 && try(tonumber(split("/", var.cidr)[1]), 32) <= 20
    error_message = "cidr must be an IPv4 block between /16 and /20."
  }

  validation {
    condition     = can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.cidr))
    error_message = "cidr must be private: within 10/8, 172.16/12 or 192.168/16."
  }
}

variable "nat_mode" {
  description = "NAT gateways: none (interface endpoints only), single (cheap, but losing its zone cuts all outbound traffic), per_zone."
  type        = string
  default     = "per_zone"

  validation {
    condition     = contains(["none", "single", "per_zone"], var.nat_mode)
    error_message = "nat_mode must be none, single or per_zone."
  }
}

variable "interface_endpoints" {
  description = "AWS services reached inside the VPC, by the last part of their endpoint's name."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for service in var.interface_endpoints : can(regex("^[a-z0-9.-]+$", service))])
    error_message = "interface_endpoints must be names such as ecr.api, ecr.dkr, sts, secretsmanager, logs."
  }
}

variable "flow_log_traffic" {
  description = "Traffic that the flow log records: ALL, or REJECT for rejected traffic only."
  type        = string
  default     = "ALL"

  validation {
    condition     = contains(["ALL", "REJECT"], var.flow_log_traffic)
    error_message = "flow_log_traffic must be ALL or REJECT."
  }
}

variable "log_retention_days" {
  description = "Retention of the flow log, days."
  type        = number

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be 7, 14, 30, 60, 90, 180 or 365."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the flow log."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}
