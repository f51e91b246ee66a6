variable "name" {
  description = "Name of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, starting with a letter."
  }
}

variable "kafka_version" {
  description = "Apache Kafka version, as MSK names it."
  type        = string
  default     = "3.9.x"

  validation {
    condition     = can(regex("^[3-4]\\.[0-9]+\\.(x|[0-9]+)(\\.kraft)?$", var.kafka_version))
    error_message = "kafka_version must be one that MSK offers, such as 3.9.x."
  }
}

variable "instance_type" {
  description = "Instance type of a broker."
  type        = string

  validation {
    condition     = can(regex("^kafka\\.", var.instance_type))
    error_message = "instance_type must start with kafka., as in kafka.m7g.large."
  }
}

variable "brokers_per_zone" {
  description = "Brokers in each zone."
  type        = number
  default     = 1

  validation {
    condition     = var.brokers_per_zone >= 1 && var.brokers_per_zone <= 10
    error_message = "brokers_per_zone must be between 1 and 10."
  }
}

variable "subnet_ids" {
  description = "Private subnets, one in each of three zones, for three replicas."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 3 && length(distinct(var.subnet_ids)) == 3
    error_message = "subnet_ids must list three subnets, one per zone."
  }
}

variable "security_group_id" {
  description = "Security group of the brokers."
  type        = string

  validation {
    condition     = startswith(var.security_group_id, "sg-")
    error_message = "security_group_id must start with sg-."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the brokers' disks and logs."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:kms:", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a KMS key."
  }
}

variable "storage_gib" {
  description = "Initial disk size of a broker, GiB."
  type        = number
  default     = 50

  validation {
    condition     = var.storage_gib >= 1 && var.storage_gib <= 16384
    error_message = "storage_gib must be between 1 and 16384."
  }
}

variable "storage_max_gib" {
  description = "Maximum disk size of a broker, GiB; it grows automatically at 60 % and never shrinks."
  type        = number
  default     = 500

  validation {
    condition     = var.storage_max_gib <= 16384 && var.storage_max_gib >= var.storage_gib
    error_message = "storage_max_gib must be between storage_gib and 16384."
  }
}

variable "retention_hours" {
  description = "Default retention of a topic, hours, unless its contract sets another."
  type        = number
  default     = 168

  validation {
    condition     = var.retention_hours >= 24
    error_message = "retention_hours must be 24 or more: a worker may be down overnight."
  }
}

variable "monitoring_level" {
  description = "MSK's monitoring level for CloudWatch; every level above DEFAULT is billed."
  type        = string
  default     = "PER_TOPIC_PER_BROKER"

  validation {
    condition     = contains(["DEFAULT", "PER_BROKER", "PER_TOPIC_PER_BROKER", "PER_TOPIC_PER_PARTITION"], var.monitoring_level)
    error_message = "monitoring_level must be DEFAULT, PER_BROKER, PER_TOPIC_PER_BROKER or PER_TOPIC_PER_PARTITION."
  }
}

variable "topics" {
  description = "Topics that Andén reads: the physicalName of its contracts."
  type        = set(string)

  validation {
    condition     = length(var.topics) > 0 && alltrue([for topic in var.topics : can(regex("^[a-zA-Z0-9._-]{1,249}$", topic))])
    error_message = "topics must be topic names, without wildcards."
  }
}

variable "groups" {
  description = "Consumer groups of the workers."
  type        = set(string)

  validation {
    condition     = length(var.groups) > 0 && alltrue([for group in var.groups : can(regex("^[a-zA-Z0-9._-]{1,249}$", group))])
    error_message = "groups must be consumer group names, without wildcards or colons (MSK's lag metrics drop them)."
  }
}

variable "log_retention_days" {
  description = "Retention of the brokers' logs, days."
  type        = number

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be 7, 14, 30, 60, 90, 180 or 365."
  }
}
