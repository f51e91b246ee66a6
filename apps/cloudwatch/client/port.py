"""The ports to CloudWatch: its metrics, its dashboards, and the request budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from apps.cloudwatch.collector.queries import MetricQuery, Point


@dataclass(frozen=True, slots=True)
class MetricDataResult:
    """Points of one series: `index` is the query's position in the call, `label` CloudWatch's name of the series."""

    index: int
    label: str
    points: tuple[Point, ...]
    status: str


@dataclass(frozen=True, slots=True)
class MetricDataPage:
    """One page of a response; a `token` means that another page follows."""

    results: tuple[MetricDataResult, ...]
    token: str = ""


class MetricData(Protocol):
    """Reads points of metrics."""

    def page(self, queries: Sequence[MetricQuery], *, start_s: float, end_s: float, token: str = "") -> MetricDataPage:
        """One GetMetricData request, sent once.

        Raises SourceThrottled: wait longer. SourceUnavailable: retry later. SourceRefused: fix what it names.
        """
        ...


class DashboardStore(Protocol):
    """Stores dashboards by name."""

    def body(self, name: str) -> str | None:
        """The dashboard's JSON, or None. Raises as MetricData.page does."""
        ...

    def put(self, name: str, body: str) -> tuple[str, ...]:
        """Create or replace it and return CloudWatch's warnings. Raises as MetricData.page does."""
        ...


class RequestBudget(Protocol):
    """Counts what was requested in each calendar month."""

    def reserve(self, metrics: int, *, now_s: float) -> None:
        """Count one call for this many metrics, before it is sent.

        Raises BudgetSpent: not counted, do not send it.
        """
        ...

    def refund(self, metrics: int, *, reserved_s: float) -> None:
        """Undo a reservation made at that time, for a call that was certainly never sent."""
        ...

    def charge_extra(self, metrics: int, *, now_s: float) -> None:
        """Count metrics beyond the reservation: how many a SEARCH finds is known only afterwards."""
        ...
