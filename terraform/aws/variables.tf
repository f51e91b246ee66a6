variable "name" {
  description = "Name of the installation and prefix of every resource's name, such as anden-prod."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "environment" {
  description = "Which values files the charts use: dev or prod."
  type        = string

  validation {
    condition     = contains(["dev", "prod"], var.environment)
    error_message = "environment must be dev or prod: the charts have a values file for each."
  }
}

variable "region" {
  description = "AWS region, such as eu-west-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region code such as eu-west-1."
  }
}

variable "zones" {
  description = "Three availability zones of the region."
  type        = list(string)

  validation {
    condition     = length(var.zones) == 3 && length(distinct(var.zones)) == 3
    error_message = "zones must list three different availability zones."
  }
}

variable "cidr" {
  description = "CIDR block of the VPC, /16 to /20, that overlaps no network you connect to."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr))
    error_message = "cidr must be an IPv4 block."
  }
}

variable "nat_mode" {
  description = "NAT gateways: none, single or per_zone."
  type        = string

  validation {
    condition     = contains(["none", "single", "per_zone"], var.nat_mode)
    error_message = "nat_mode must be none, single or per_zone."
  }
}

variable "interface_endpoints" {
  description = "AWS services reached inside the VPC, by the last part of their endpoint's name; each is billed per zone and hour."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = var.nat_mode != "none" || length(setsubtract(["ecr.api", "ecr.dkr", "sts", "logs", "secretsmanager", "eks", "eks-auth", "sqs", "monitoring", "ec2", "elasticloadbalancing"], var.interface_endpoints)) == 0
    error_message = "Without NAT, interface_endpoints must contain ecr.api, ecr.dkr, sts, logs, secretsmanager, eks, eks-auth, sqs, monitoring, ec2 and elasticloadbalancing: nodes could not join."
  }
}

variable "flow_log_traffic" {
  description = "Traffic that the flow log records: ALL or REJECT."
  type        = string

  validation {
    condition     = contains(["ALL", "REJECT"], var.flow_log_traffic)
    error_message = "flow_log_traffic must be ALL or REJECT."
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

variable "protected" {
  description = "Whether the database and load balancer resist a destroy, and deleted secrets can be restored."
  type        = bool
}

variable "kubernetes_version" {
  description = "Kubernetes version of the cluster; modules/eks lists the supported ones."
  type        = string

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version))
    error_message = "kubernetes_version must have the form 1.35."
  }
}

variable "cluster_public_access_cidrs" {
  description = "Networks that may reach the cluster's API from outside. If empty, the API is private and runs need an agent in the VPC."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.cluster_public_access_cidrs : can(cidrnetmask(cidr))])
    error_message = "cluster_public_access_cidrs must be IPv4 blocks."
  }
}

variable "cluster_access" {
  description = "Roles that may use the cluster's API: an ARN, and admin, edit or view."
  type        = map(object({ principal_arn = string, access = string }))

  validation {
    condition     = anytrue([for entry in values(var.cluster_access) : entry.access == "admin"])
    error_message = "cluster_access must contain at least one admin."
  }
}

variable "node_groups" {
  description = "Node groups of the cluster: instance types and sizes."
  type = map(object({
    instance_types = list(string)
    min_size       = number
    max_size       = number
    ami_type       = optional(string, "AL2023_ARM_64_STANDARD")
    capacity_type  = optional(string, "ON_DEMAND")
    labels         = optional(map(string), {})
    taints         = optional(map(object({ value = string, effect = string })), {})
  }))

  validation {
    condition     = length(var.node_groups) > 0
    error_message = "node_groups must contain at least one group."
  }
}

variable "addon_versions" {
  description = "EKS add-ons and their exact versions."
  type        = map(string)

  validation {
    condition     = alltrue([for version in values(var.addon_versions) : startswith(version, "v")])
    error_message = "addon_versions must be exact, such as v1.20.4-eksbuild.1."
  }
}

variable "kafka" {
  description = "Size of Kafka, and the topics that Andén reads."
  type = object({
    instance_type    = string
    brokers_per_zone = number
    storage_gib      = number
    storage_max_gib  = number
    topics           = set(string)
  })

  validation {
    condition     = length(var.kafka.topics) > 0
    error_message = "kafka.topics must list the contracts' topics."
  }
}

variable "postgres" {
  description = "Where PostgreSQL runs (rds, cloudnativepg, bitnami), its size, and the backup retention."
  type = object({
    mode            = string
    instance_class  = string
    storage_gib     = number
    storage_max_gib = number
    multi_az        = bool
    backup_days     = number
  })

  validation {
    condition     = contains(["rds", "cloudnativepg", "bitnami"], var.postgres.mode)
    error_message = "postgres.mode must be rds, cloudnativepg or bitnami."
  }
}

variable "edge" {
  description = "Request limits before the API returns 429, and before WAF blocks an IP address (0: no WAF)."
  type = object({
    requests_per_second        = number
    requests_burst             = number
    waf_requests_per_5_minutes = number
  })

  validation {
    condition     = var.edge.requests_per_second > 0 && var.edge.requests_burst > 0
    error_message = "edge.requests_per_second and edge.requests_burst must be above 0."
  }
}

variable "log_retention_days" {
  description = "Log retention, days."
  type        = number

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be 7, 14, 30, 60, 90, 180 or 365."
  }
}

variable "emails" {
  description = "Recipients of alarms and budget notifications."
  type        = set(string)

  validation {
    condition     = length(var.emails) > 0
    error_message = "emails must contain at least one address."
  }
}

variable "monthly_usd" {
  description = "Monthly budget, US dollars."
  type        = number

  validation {
    condition     = var.monthly_usd >= 10
    error_message = "monthly_usd must be 10 or more."
  }
}

variable "terraform_cloud" {
  description = "HCP Terraform organization, project and workspaces whose runs may assume the roles."
  type        = object({ organization = string, project = string, workspaces = set(string) })

  validation {
    condition     = length(var.terraform_cloud.workspaces) > 0
    error_message = "terraform_cloud.workspaces must list the workspaces of both roots."
  }
}

variable "github_repository" {
  description = "GitHub repository whose main branch may push images, as owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository must be owner/name."
  }
}
