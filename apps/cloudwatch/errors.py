"""Errors of CloudWatch collection, named by the caller's reaction."""

from apps.telemetry.errors import MonitoringError


class BudgetSpent(MonitoringError):
    """The month's CloudWatch budget is spent: wait for the next month, or raise the budget."""
