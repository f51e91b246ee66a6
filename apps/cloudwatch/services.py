"""CloudWatch collection in cycles: each point once, no stale values, never over budget."""

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
    """The result of one cycle: calls sent, timely and late points, series with and without a current value."""

    calls: int
    timely: int
    late: int
    current: int
    missing: int


class CloudWatchCollector:
    """Requests the same metrics every cycle and exports the newest point of each.

    Points are kept in memory: after a restart the first cycle requests the last minutes again, at no extra cost.
    Spending is persisted in the budget.
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
        self._exported: set[Labels] = set()
        self._last_error = ""

    def collect(self, *, now_s: float) -> CollectionCycle:
        """Run one cycle; points received before an error are exported.

        Raises BudgetSpent, SourceUnavailable, SourceRefused.
        """
        window = cycle_window(now_s, period_s=self._period_s, cycle_s=self._cycle_s)
        calls = timely = late = 0
        try:
            for call in self._cloudwatch.fetch(self._queries, window):
                calls += call.sent
                for query in call.queries:
                    points = call.points.get(query.labels, ())
                    new, delayed = self._buffers[query.labels].add(points, end_s=window.end_s)
                    timely, late = timely + len(new), late + len(delayed)
        finally:
            prometheus.counter(metrics.CLOUDWATCH_POINTS).labels("timely").inc(timely)
            prometheus.counter(metrics.CLOUDWATCH_POINTS).labels("late").inc(late)
            self._export(now_s)
        prometheus.gauge(metrics.CLOUDWATCH_COLLECTED).set(now_s)
        return CollectionCycle(calls, timely, late, len(self._exported), len(self._queries) - len(self._exported))

    def run_cycle(self, *, now_s: float) -> CollectionCycle | None:
        """Run one cycle and log an error once, when it starts. None: it failed, see `last_error`."""
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
            # Without the budget nothing is requested: it could not be counted.
            self._note(f"{explain_database_error('default', error)}; CloudWatch is not queried until it is back", None)
            return None
        if self._last_error:
            LOGGER.info("collection resumed")
        self._last_error = ""
        prometheus.gauge(metrics.CLOUDWATCH_STOPPED).set(0)
        return cycle

    @property
    def last_error(self) -> str:
        """Why the last cycle failed; empty if it succeeded."""
        return self._last_error

    def values(self, *, now_s: float) -> dict[Labels, float]:
        """The current value of each series that has one."""
        found = {labels: one.current(now_s=now_s, period_s=self._period_s) for labels, one in self._buffers.items()}
        return {labels: point[1] for labels, point in found.items() if point is not None}

    def _export(self, now_s: float) -> None:
        values = self.values(now_s=now_s)
        for labels, value in values.items():
            prometheus.gauge(metrics.CLOUDWATCH_VALUE).labels(*labels).set(value)
        for labels in self._exported - values.keys():
            prometheus.remove_series(metrics.CLOUDWATCH_VALUE, *labels)
        self._exported = set(values)

    def _note(self, line: str, error: MonitoringError | None) -> None:
        stopped = isinstance(error, BudgetSpent)
        prometheus.gauge(metrics.CLOUDWATCH_STOPPED).set(int(stopped))
        kind = type(error).__name__ if error else "database"
        if not self._last_error.startswith(kind):
            LOGGER.warning("%s", line if stopped else f"{line}; retrying")
        self._last_error = f"{kind}: {line}"


def spend_metrics_update(*, budget_usd: float, now_s: float) -> None:
    """Set the metrics of this month's cost and budget."""
    prometheus.gauge(metrics.CLOUDWATCH_BUDGET).set(budget_usd)
    prometheus.gauge(metrics.CLOUDWATCH_SPENT).set(usd(month_get(now_s=now_s).metrics_requested))


def month_get(*, now_s: float) -> CloudWatchMonth:
    """This calendar month's usage; an unsaved row if it has none yet."""
    month = month_of(now_s)
    found = CloudWatchMonth.objects.filter(month=month).first()
    return found or CloudWatchMonth(month=month, metrics_requested=0, calls=0)
