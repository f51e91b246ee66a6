variable "organization" {
  description = "HCP Terraform organization of both workspaces."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.organization))
    error_message = "organization must consist of letters, digits, hyphens and underscores."
  }
}

variable "aws_workspace" {
  description = "Workspace of the first root, which shares its outputs with this one, such as anden-prod-aws."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.aws_workspace))
    error_message = "aws_workspace must consist of letters, digits, hyphens and underscores."
  }
}

variable "repository" {
  description = "https URL of the Git repository that Argo CD reads."
  type        = string

  validation {
    condition     = can(regex("^https://[^ @]+\\.git$", var.repository))
    error_message = "repository must be an https URL that ends in .git, without credentials."
  }
}

variable "revision" {
  description = "Branch or tag that Argo CD follows."
  type        = string
  default     = "main"

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+$", var.revision)) && var.revision != "HEAD"
    error_message = "revision must be a branch or a tag, not HEAD."
  }
}

variable "argo_cd_version" {
  description = "Exact version of the argo-cd chart."
  type        = string
  default     = "9.3.1"

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.argo_cd_version))
    error_message = "argo_cd_version must be exact, such as 9.3.1."
  }
}
