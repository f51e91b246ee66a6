"""The ports to CloudWatch: its metrics, its dashboards, and the budget that pays for asking."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from apps.cloudwatch.collector.queries import MetricQuery, Point


@dataclass(frozen=True, slots=True)
class MetricDataResult:
    """A piece of one series: `index` is the query's place in the call, `label` CloudWatch's own name of the series."""

    index: int
    label: str
    points: tuple[Point, ...]
    status: str


@dataclass(frozen=True, slots=True)
class MetricDataPage:
    """One answer; with a `token` there is more to come."""

    results: tuple[MetricDataResult, ...]
    token: str = ""


class MetricData(Protocol):
    """Knows the points of metrics."""

    def page(self, queries: Sequence[MetricQuery], *, start_s: float, end_s: float, token: str = "") -> MetricDataPage:
        """One call of GetMetricData, sent once.

        Raises SourceThrottled: wait longer. SourceUnavailable: ask again later. SourceRefused: fix what it names.
        """
        ...


class DashboardStore(Protocol):
    """Keeps dashboards by name."""

    def body(self, name: str) -> str | None:
        """The dashboard's JSON; None where there is none of this name. Raises as MetricData.page does."""
        ...

    def put(self, name: str, body: str) -> tuple[str, ...]:
        """Make or replace it, and give back what CloudWatch found wrong with it. Raises as MetricData.page does."""
        ...


class RequestBudget(Protocol):
    """Remembers what was requested in each calendar month, over the death of any process."""

    def reserve(self, metrics: int, *, now_s: float) -> None:
        """Count one call for so many metrics, before it is sent.

        Raises BudgetSpent: it was not counted, and must not be sent.
        """
        ...

    def refund(self, metrics: int, *, reserved_s: float) -> None:
        """Take back what was reserved at that time for a call that certainly never left."""
        ...

    def charge_extra(self, metrics: int, *, now_s: float) -> None:
        """Count what a call turned out to request beyond what was reserved: a SEARCH finds how many it finds."""
        ...
