variable "name" {
  description = "Name of the cluster and prefix of every resource's name."
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

variable "kubernetes_version" {
  description = "Kubernetes version, one whose end of standard support is listed in main.tf."
  type        = string

  validation {
    condition     = contains(keys(local.standard_support_until), var.kubernetes_version)
    error_message = "kubernetes_version must be in the support table of modules/eks/main.tf."
  }
}

variable "subnet_ids" {
  description = "Private subnets of the nodes and the API's network interfaces, one per zone."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must list subnets in at least two zones."
  }
}

variable "node_security_group_id" {
  description = "Security group of the nodes, with the rules for PostgreSQL, Kafka and the load balancer."
  type        = string

  validation {
    condition     = startswith(var.node_security_group_id, "sg-")
    error_message = "node_security_group_id must start with sg-."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts Kubernetes secrets and the control plane's logs."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "endpoint_public_access_cidrs" {
  description = "Networks that may reach the cluster's API from outside the VPC. If empty, the API is private."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.endpoint_public_access_cidrs : can(cidrnetmask(cidr))])
    error_message = "endpoint_public_access_cidrs must be IPv4 blocks."
  }

  validation {
    condition     = alltrue([for cidr in var.endpoint_public_access_cidrs : try(tonumber(split("/", cidr)[1]), 0) >= 16])
    error_message = "endpoint_public_access_cidrs may not be wider than /16: do not open the API to the internet."
  }
}

variable "access_entries" {
  description = "Roles that may use the cluster's API: an ARN, and admin, edit, view or inspect (view plus Secrets), in all or some namespaces."
  type = map(object({
    principal_arn = string
    access        = string
    namespaces    = optional(set(string), [])
  }))

  validation {
    condition     = alltrue([for entry in values(var.access_entries) : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", entry.principal_arn))])
    error_message = "access_entries must contain role ARNs: people and pipelines assume roles; IAM users are not supported."
  }

  validation {
    condition     = alltrue([for entry in values(var.access_entries) : contains(["admin", "edit", "view", "inspect"], entry.access)])
    error_message = "access_entries: access must be admin, edit, view or inspect."
  }

  validation {
    condition     = anytrue([for entry in values(var.access_entries) : entry.access == "admin" && length(entry.namespaces) == 0])
    error_message = "access_entries must contain at least one admin: otherwise even the creator has no access to the cluster."
  }
}

variable "node_groups" {
  description = "Managed node groups: sizes, instance types, labels, and taints by key."
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

  validation {
    condition     = alltrue([for group in values(var.node_groups) : group.min_size >= 1 && group.max_size >= group.min_size])
    error_message = "node_groups: min_size must be at least 1, and max_size at least min_size."
  }

  validation {
    condition     = alltrue([for group in values(var.node_groups) : startswith(group.ami_type, "AL2023_") || startswith(group.ami_type, "BOTTLEROCKET_")])
    error_message = "node_groups: ami_type must be AL2023 or Bottlerocket; AL2 images ended in November 2025."
  }

  validation {
    condition     = alltrue([for group in values(var.node_groups) : contains(["ON_DEMAND", "SPOT"], group.capacity_type)])
    error_message = "node_groups: capacity_type must be ON_DEMAND or SPOT."
  }
}

variable "node_disk_gib" {
  description = "Disk size of a node, GiB."
  type        = number
  default     = 40

  validation {
    condition     = var.node_disk_gib >= 20 && var.node_disk_gib <= 1000
    error_message = "node_disk_gib must be between 20 and 1000."
  }
}

variable "addon_versions" {
  description = "EKS add-ons and their exact versions."
  type        = map(string)

  validation {
    condition     = alltrue([for name in ["vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent"] : contains(keys(var.addon_versions), name)])
    error_message = "addon_versions must contain vpc-cni, kube-proxy, coredns and eks-pod-identity-agent: nothing runs without them."
  }

  validation {
    condition     = alltrue([for version in values(var.addon_versions) : can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+-eksbuild\\.[0-9]+$", version))])
    error_message = "addon_versions must be exact, such as v1.20.4-eksbuild.1."
  }
}

variable "workloads" {
  description = "Service accounts that need AWS permissions: each gets a role through Pod Identity."
  type = map(object({
    namespace       = string
    service_account = string
    policy_json     = string
  }))

  validation {
    condition     = alltrue([for workload in values(var.workloads) : can(jsondecode(workload.policy_json))])
    error_message = "workloads must each have a JSON policy in policy_json."
  }
}

variable "log_retention_days" {
  description = "Retention of the control plane's logs, days."
  type        = number

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be 7, 14, 30, 60, 90, 180 or 365."
  }
}
