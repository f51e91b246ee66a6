"""The budget in PostgreSQL, and its twin in memory."""

from datetime import date
from typing import Final

from django.db.models import F

from apps.cloudwatch.collector.cost import affordable, month_of, usd
from apps.cloudwatch.errors import BudgetSpent
from apps.cloudwatch.models import CloudWatchMonth

STOPPED: Final = (
    "CloudWatch's budget for {month:%B %Y} is spent: {spent} metrics, {usd:.2f} of {budget:.2f} USD. Collection "
    "stands still until the next month, or until ANDEN_CLOUDWATCH_BUDGET_USD is higher"
)


class DatabaseRequestBudget:
    """Counts in one row a month. Several collectors may share it: the count and its bound are one statement."""

    def __init__(self, budget_usd: float) -> None:
        self._budget_usd = budget_usd

    def reserve(self, metrics: int, *, now_s: float) -> None:
        """Count one call for so many metrics. Raises BudgetSpent: it was not counted, do not send it."""
        month = month_of(now_s)
        CloudWatchMonth.objects.get_or_create(month=month)
        counted = CloudWatchMonth.objects.filter(
            month=month, metrics_requested__lte=affordable(self._budget_usd) - metrics
        ).update(metrics_requested=F("metrics_requested") + metrics, calls=F("calls") + 1)
        if not counted:
            spent = CloudWatchMonth.objects.get(month=month).metrics_requested
            raise BudgetSpent(_stopped(month, spent, self._budget_usd))

    def refund(self, metrics: int, *, reserved_s: float) -> None:
        """Take back what was reserved at that time for a call that certainly never left."""
        CloudWatchMonth.objects.filter(month=month_of(reserved_s)).update(
            metrics_requested=F("metrics_requested") - metrics, calls=F("calls") - 1
        )

    def charge_extra(self, metrics: int, *, now_s: float) -> None:
        """Count metrics that a call requested beyond what was reserved for it."""
        month, _ = CloudWatchMonth.objects.get_or_create(month=month_of(now_s))
        CloudWatchMonth.objects.filter(pk=month.pk).update(metrics_requested=F("metrics_requested") + metrics)


class MemoryRequestBudget:
    """The same promises, forgotten with the process: for tests, and for asking once by hand."""

    def __init__(self, budget_usd: float = 1_000_000.0) -> None:
        self._budget_usd = budget_usd
        self.requested: dict[date, int] = {}
        self.calls: dict[date, int] = {}

    def reserve(self, metrics: int, *, now_s: float) -> None:
        """Count one call for so many metrics. Raises BudgetSpent: it was not counted, do not send it."""
        month = month_of(now_s)
        spent = self.requested.get(month, 0)
        if spent + metrics > affordable(self._budget_usd):
            raise BudgetSpent(_stopped(month, spent, self._budget_usd))
        self.requested[month] = spent + metrics
        self.calls[month] = self.calls.get(month, 0) + 1

    def refund(self, metrics: int, *, reserved_s: float) -> None:
        """Take back what was reserved at that time for a call that certainly never left."""
        month = month_of(reserved_s)
        self.requested[month] -= metrics
        self.calls[month] -= 1

    def charge_extra(self, metrics: int, *, now_s: float) -> None:
        """Count metrics that a call requested beyond what was reserved for it."""
        month = month_of(now_s)
        self.requested[month] = self.requested.get(month, 0) + metrics


def _stopped(month: date, spent: int, budget_usd: float) -> str:
    return STOPPED.format(month=month, spent=f"{spent:,}", usd=usd(spent), budget=budget_usd)
