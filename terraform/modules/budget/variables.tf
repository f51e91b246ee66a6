variable "name" {
  description = "Name of the installation; the budget covers resources tagged Station with this value."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, starting with a letter."
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

variable "emails" {
  description = "Recipients of the notifications."
  type        = list(string)

  validation {
    condition     = length(var.emails) > 0 && alltrue([for email in var.emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+$", email))])
    error_message = "emails must contain at least one address: a budget without recipients has no effect."
  }
}
