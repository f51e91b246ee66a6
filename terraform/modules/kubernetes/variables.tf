variable "station" {
  description = "What the first root says of the station; its scalars become annotations of Argo CD's cluster Secret."
  type        = any

  validation {
    condition     = alltrue([for key in ["name", "region", "environment", "postgres_mode"] : can(tostring(var.station[key]))])
    error_message = "station must hold name, region, environment and postgres_mode."
  }
}

variable "repository" {
  description = "Git repository that Argo CD reads, by https."
  type        = string

  validation {
    condition     = can(regex("^https://[^ @]+\\.git$", var.repository))
    error_message = "repository must be an https address that ends in .git, without credentials."
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
  description = "Folder of the charts that Argo CD deploys: its directories are the namespaces that it may write to."
  type        = string

  validation {
    condition     = length(fileset(var.chart_directory, "*/Chart.yaml")) > 0
    error_message = "chart_directory must hold one chart at least."
  }
}

variable "highly_available" {
  description = "Whether Argo CD runs twice and Redis thrice."
  type        = bool
}

variable "argo_cd_version" {
  description = "Exact version of the argo-cd chart."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+\\.[0-9]+\\.[0-9]+$", var.argo_cd_version))
    error_message = "argo_cd_version must be exact, as in 9.3.1."
  }
}
