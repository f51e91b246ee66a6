"""The monthly request budget, in PostgreSQL and in memory."""

from datetime import date
from typing import Final

from django.db.models import F

from apps.cloudwatch.collector.cost import affordable, month_of, usd
from apps.cloudwatch.errors import BudgetSpent
from apps.cloudwatch.models import CloudWatchMonth

BUDGET_SPENT_MESSAGE: Final = (
    "CloudWatch budget for {month:%B %Y} is spent: {spent} metrics, {usd:.2f} of {budget:.2f} USD. Collection stops "
    "until next month; to resume earlier, raise ANDEN_CLOUDWATCH_BUDGET_USD and restart the collector"
)


class DatabaseRequestBudget:
    """One row per month. Concurrent collectors can share it: one statement checks the limit and counts."""

    def __init__(self, budget_usd: float) -> None:
        self._budget_usd = budget_usd

    def reserve(self, metrics: int, *, now_s: float) -> None:
        """Count one call for this many metrics. Raises BudgetSpent: not counted, do not send it."""
        month = month_of(now_s)
        CloudWatchMonth.objects.get_or_create(month=month)
        counted = CloudWatchMonth.objects.filter(
            month=month, metrics_requested__lte=affordable(self._budget_usd) - metrics
        ).update(metrics_requested=F("metrics_requested") + metrics, calls=F("calls") + 1)
        if not counted:
            spent = CloudWatchMonth.objects.get(month=month).metrics_requested
            raise BudgetSpent(_stopped(month, spent, self._budget_usd))

    def refund(self, metrics: int, *, reserved_s: float) -> None:
        """Undo a reservation made at that time, for a call that was certainly never sent."""
        CloudWatchMonth.objects.filter(month=month_of(reserved_s)).update(
            metrics_requested=F("metrics_requested") - metrics, calls=F("calls") - 1
        )

    def charge_extra(self, metrics: int, *, now_s: float) -> None:
        """Count the metrics that a call requested beyond its reservation."""
        month, _ = CloudWatchMonth.objects.get_or_create(month=month_of(now_s))
        CloudWatchMonth.objects.filter(pk=month.pk).update(metrics_requested=F("metrics_requested") + metrics)


class MemoryRequestBudget:
    """The same contract without persistence, for tests and one-off queries."""

    def __init__(self, budget_usd: float = 1_000_000.0) -> None:
        self._budget_usd = budget_usd
        self.requested: dict[date, int] = {}
        self.calls: dict[date, int] = {}

    def reserve(self, metrics: int, *, now_s: float) -> None:
        """Count one call for this many metrics. Raises BudgetSpent: not counted, do not send it."""
        month = month_of(now_s)
        spent = self.requested.get(month, 0)
        if spent + metrics > affordable(self._budget_usd):
            raise BudgetSpent(_stopped(month, spent, self._budget_usd))
        self.requested[month] = spent + metrics
        self.calls[month] = self.calls.get(month, 0) + 1

    def refund(self, metrics: int, *, reserved_s: float) -> None:
        """Undo a reservation made at that time, for a call that was certainly never sent."""
        month = month_of(reserved_s)
        self.requested[month] -= metrics
        self.calls[month] -= 1

    def charge_extra(self, metrics: int, *, now_s: float) -> None:
        """Count the metrics that a call requested beyond its reservation."""
        month = month_of(now_s)
        self.requested[month] = self.requested.get(month, 0) + metrics


def _stopped(month: date, spent: int, budget_usd: float) -> str:
    return BUDGET_SPENT_MESSAGE.format(month=month, spent=f"{spent:,}", usd=usd(spent), budget=budget_usd)
