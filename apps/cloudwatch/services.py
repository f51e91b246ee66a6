"""Collecting from CloudWatch: cycle by cycle, each point once, nothing stale, and not a cent beyond the budget."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import DatabaseError, InterfaceError, close_old_connections

from apps.cloudwatch import metrics
from apps.cloudwatch.client.metered import MeteredCloudWatch
from apps.cloudwatch.collector.batching import cycle_window
from apps.cloudwatch.collector.cost import month_of, usd
from apps.cloudwatch.collector.point_buffer import PointBuffer
from apps.cloudwatch.collector.queries import Labels, MetricQuery
from apps.cloudwatch.errors import BudgetSpent
from apps.cloudwatch.models import CloudWatchMonth
from apps.datasets.adapters.database.error_messages import explain_database_error
from apps.telemetry import prometheus
from apps.telemetry.errors import MonitoringError, SourceRefused, SourceUnavailable

LOGGER: Final = logging.getLogger("apps.monitoring.cloudwatch")


@dataclass(frozen=True, slots=True)
class CollectionCycle:
    """What one cycle brought: calls sent, points in time and late, series with and without a current value."""

    calls: int
    timely: int
    late: int
    current: int
    missing: int


class CloudWatchCollector:
    """Asks for the same metrics cycle after cycle, and shows the newest point of each; lives as long as its process.

    Its memory of points is in the process: after a restart the window of the last minutes is asked for again, which
    costs what any cycle costs. What was spent is in the budget and is never forgotten.
    """

    def __init__(
        self,
        cloudwatch: MeteredCloudWatch,
        queries: Sequence[MetricQuery],
        *,
        period_s: int,
        cycle_s: float,
        budget_usd: float,
    ) -> None:
        self._cloudwatch = cloudwatch
        self._queries = queries
        self._period_s = period_s
        self._cycle_s = cycle_s
        self._budget_usd = budget_usd
        self._buffers: defaultdict[Labels, PointBuffer] = defaultdict(PointBuffer)
        self._shown: set[Labels] = set()
        self._trouble = ""

    def collect(self, *, now_s: float) -> CollectionCycle:
        """One cycle; what came before a trouble is taken over and shown.

        Raises BudgetSpent, SourceUnavailable, SourceRefused.
        """
        window = cycle_window(now_s, period_s=self._period_s, cycle_s=self._cycle_s)
        calls = timely = late = 0
        try:
            for answer in self._cloudwatch.ask(self._queries, window):
                calls += answer.sent
                for query in answer.queries:
                    points = answer.points.get(query.labels, ())
                    in_time, afterwards = self._buffers[query.labels].take(points, end_s=window.end_s)
                    timely, late = timely + len(in_time), late + len(afterwards)
        finally:
            prometheus.counter(metrics.CLOUDWATCH_POINTS).labels("timely").inc(timely)
            prometheus.counter(metrics.CLOUDWATCH_POINTS).labels("late").inc(late)
            self._show(now_s)
        prometheus.gauge(metrics.CLOUDWATCH_COLLECTED).set(now_s)
        return CollectionCycle(calls, timely, late, len(self._shown), len(self._queries) - len(self._shown))

    def round(self, *, now_s: float) -> CollectionCycle | None:
        """One cycle of a process that goes on whatever happens: a trouble is one line when it begins; None then."""
        close_old_connections()
        try:
            try:
                cycle = self.collect(now_s=now_s)
            finally:
                spend_metrics_update(budget_usd=self._budget_usd, now_s=now_s)
        except (BudgetSpent, SourceUnavailable, SourceRefused) as error:
            self._note(str(error), error)
            return None
        except (DatabaseError, InterfaceError) as error:
            # Without the budget nothing is asked: it could not be remembered.
            self._note(f"{explain_database_error('default', error)}; CloudWatch is not asked meanwhile", None)
            return None
        if self._trouble:
            LOGGER.info("collecting again")
        self._trouble = ""
        prometheus.gauge(metrics.CLOUDWATCH_STOPPED).set(0)
        return cycle

    @property
    def trouble(self) -> str:
        """Why the last round brought nothing; empty when it was whole."""
        return self._trouble

    def values(self, *, now_s: float) -> dict[Labels, float]:
        """The newest value of each series that has one now."""
        found = {labels: one.current(now_s=now_s, period_s=self._period_s) for labels, one in self._buffers.items()}
        return {labels: point[1] for labels, point in found.items() if point is not None}

    def _show(self, now_s: float) -> None:
        values = self.values(now_s=now_s)
        for labels, value in values.items():
            prometheus.gauge(metrics.CLOUDWATCH_VALUE).labels(*labels).set(value)
        for labels in self._shown - values.keys():
            prometheus.remove_series(metrics.CLOUDWATCH_VALUE, *labels)
        self._shown = set(values)

    def _note(self, line: str, error: MonitoringError | None) -> None:
        stopped = isinstance(error, BudgetSpent)
        prometheus.gauge(metrics.CLOUDWATCH_STOPPED).set(int(stopped))
        kind = type(error).__name__ if error else "database"
        if not self._trouble.startswith(kind):
            LOGGER.warning("%s", line if stopped else f"{line}; trying on")
        self._trouble = f"{kind}: {line}"


def spend_metrics_update(*, budget_usd: float, now_s: float) -> None:
    """Show what this month has cost and may cost."""
    prometheus.gauge(metrics.CLOUDWATCH_BUDGET).set(budget_usd)
    prometheus.gauge(metrics.CLOUDWATCH_SPENT).set(usd(month_get(now_s=now_s).metrics_requested))


def month_get(*, now_s: float) -> CloudWatchMonth:
    """What this calendar month asked for; a row not yet stored where it asked for nothing."""
    month = month_of(now_s)
    found = CloudWatchMonth.objects.filter(month=month).first()
    return found or CloudWatchMonth(month=month, metrics_requested=0, calls=0)
