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

variable "terraform_organization" {
  description = "HCP Terraform organization whose runs may assume the roles."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.terraform_organization))
    error_message = "terraform_organization must consist of letters, digits, hyphens and underscores."
  }
}

variable "terraform_project" {
  description = "HCP Terraform project whose runs may assume the roles."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9 _-]+$", var.terraform_project))
    error_message = "terraform_project must be a name, without wildcards."
  }
}

variable "terraform_workspaces" {
  description = "HCP Terraform workspaces whose runs may assume the roles."
  type        = set(string)

  validation {
    condition     = length(var.terraform_workspaces) > 0 && alltrue([for name in var.terraform_workspaces : can(regex("^[A-Za-z0-9_-]+$", name))])
    error_message = "terraform_workspaces must be names, without wildcards."
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

variable "registry_arn" {
  description = "ECR repository that the pipeline may push to."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:ecr:", var.registry_arn))
    error_message = "registry_arn must be the ARN of an ECR repository."
  }
}
