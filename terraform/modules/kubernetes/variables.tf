variable "station" {
  description = "Output `station` of the first root; its scalars become annotations of Argo CD's cluster Secret."
  type        = any

  validation {
    condition     = alltrue([for key in ["name", "region", "environment", "postgres_mode"] : can(tostring(var.station[key]))])
    error_message = "station must contain name, region, environment and postgres_mode."
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

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+$", var.revision)) && var.revision != "HEAD"
    error_message = "revision must be a branch or a tag, not HEAD."
  }
}

variable "chart_directory" {
  description = "Directory of the charts that Argo CD deploys; its subdirectories are the namespaces that it may write to."
  type        = string

  validation {
    condition     = length(fileset(var.chart_directory, "*/Chart.yaml")) > 0
    error_message = "chart_directory must contain at least one chart."
  }
}

variable "highly_available" {
  description = "Whether Argo CD's server, repo server and ApplicationSet controller run twice."
  type        = bool
}

variable "argo_cd_version" {
  description = "Exact version of the argo-cd chart."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.argo_cd_version))
    error_message = "argo_cd_version must be exact, such as 9.3.1."
  }
}
