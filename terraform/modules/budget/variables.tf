variable "name" {
  description = "Name of the station: resources with the tag Station of this value are counted."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 25 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "monthly_usd" {
  description = "What a month may cost, US dollars."
  type        = number

  validation {
    condition     = var.monthly_usd >= 10
    error_message = "monthly_usd must be 10 or more."
  }
}

variable "emails" {
  description = "Who hears of it."
  type        = list(string)

  validation {
    condition     = length(var.emails) > 0 && alltrue([for email in var.emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+$", email))])
    error_message = "emails must hold one address at least: a budget that nobody hears of stops nothing."
  }
}
