variable "name" {
  description = "Name of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "kafka_version" {
  description = "Version of Apache Kafka that MSK offers."
  type        = string
  default     = "3.9.x"

  validation {
    condition     = can(regex("^[3-4]\\.[0-9]+\\.(x|[0-9]+)(\\.kraft)?$", var.kafka_version))
    error_message = "kafka_version must be one of MSK's, as in 3.9.x."
  }
}

variable "instance_type" {
  description = "Type of a broker."
  type        = string

  validation {
    condition     = can(regex("^kafka\\.", var.instance_type))
    error_message = "instance_type must begin with kafka., as in kafka.m7g.large."
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
  description = "Private subnets, one in each of three zones: three copies of a record need three places."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 3 && length(distinct(var.subnet_ids)) == 3
    error_message = "subnet_ids must name three subnets, one per zone."
  }
}

variable "security_group_id" {
  description = "Group of the brokers."
  type        = string

  validation {
    condition     = startswith(var.security_group_id, "sg-")
    error_message = "security_group_id must begin with sg-."
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
  description = "Disk of a broker at the beginning, GiB."
  type        = number
  default     = 50

  validation {
    condition     = var.storage_gib >= 1 && var.storage_gib <= 16384
    error_message = "storage_gib must be between 1 and 16384."
  }
}

variable "storage_max_gib" {
  description = "Disk of a broker at most, GiB; it grows by itself when 60 % full, and never shrinks."
  type        = number
  default     = 500

  validation {
    condition     = var.storage_max_gib <= 16384 && var.storage_max_gib >= var.storage_gib
    error_message = "storage_max_gib must be storage_gib or more, and 16384 at most."
  }
}

variable "retention_hours" {
  description = "Hours that a topic keeps records whose contract says nothing else."
  type        = number
  default     = 168

  validation {
    condition     = var.retention_hours >= 24
    error_message = "retention_hours must be 24 or more: a worker may be away for a night."
  }
}

variable "monitoring_level" {
  description = "What MSK tells CloudWatch; everything above DEFAULT costs."
  type        = string
  default     = "PER_TOPIC_PER_BROKER"

  validation {
    condition     = contains(["DEFAULT", "PER_BROKER", "PER_TOPIC_PER_BROKER", "PER_TOPIC_PER_PARTITION"], var.monitoring_level)
    error_message = "monitoring_level must be DEFAULT, PER_BROKER, PER_TOPIC_PER_BROKER or PER_TOPIC_PER_PARTITION."
  }
}

variable "topics" {
  description = "Topics that the station reads: the physicalName of its contracts."
  type        = set(string)

  validation {
    condition     = length(var.topics) > 0 && alltrue([for topic in var.topics : can(regex("^[a-zA-Z0-9._-]{1,249}$", topic))])
    error_message = "topics must be names of topics, without wildcards."
  }
}

variable "groups" {
  description = "Consumer groups of the station's workers."
  type        = set(string)

  validation {
    condition     = length(var.groups) > 0 && alltrue([for group in var.groups : can(regex("^[a-zA-Z0-9._-]{1,249}$", group))])
    error_message = "groups must be names of consumer groups, without wildcards or colons (MSK's lag metrics lose those)."
  }
}

variable "log_retention_days" {
  description = "Days that the brokers' logs are kept."
  type        = number

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be 7, 14, 30, 60, 90, 180 or 365."
  }
}
