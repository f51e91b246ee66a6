# Monthly budget, with notifications at half, at 90 %, and when the forecast exceeds it.

resource "aws_budgets_budget" "this" {
  name         = var.name
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:Station$%s", var.name)]
  }

  dynamic "notification" {
    for_each = {
      half     = { threshold = 50, type = "ACTUAL" }
      most     = { threshold = 90, type = "ACTUAL" }
      forecast = { threshold = 100, type = "FORECASTED" }
    }

    content {
      comparison_operator        = "GREATER_THAN"
      threshold                  = notification.value.threshold
      threshold_type             = "PERCENTAGE"
      notification_type          = notification.value.type
      subscriber_email_addresses = var.emails
    }
  }
}
