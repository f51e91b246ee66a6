"""The errors of the collection from CloudWatch, named by the caller's reaction."""

from apps.telemetry.errors import MonitoringError


class BudgetSpent(MonitoringError):
    """The month's budget for CloudWatch is spent: collection stands still until the next month or a higher budget."""
