"""CloudWatch as a signal source, within the collector's budget."""

from typing import Final

import numpy as np

from apps.cloudwatch.client.arrays import fetch_arrays
from apps.cloudwatch.client.metered import MeteredCloudWatch
from apps.cloudwatch.collector.batching import QueryWindow
from apps.cloudwatch.collector.queries import Labels
from apps.cloudwatch.errors import BudgetSpent
from apps.fleet.engine.observation import Floats, Observation
from apps.fleet.engine.observation_builder import INDEX, ObservationBuilder, service_name_error
from apps.fleet.engine.span import DAY_S, ObservationSpan
from apps.fleet.sources.cloudwatch_signals import MOST_FOUND, FleetMetrics, SignalMetric
from apps.telemetry.errors import SourceRefused, SourceUnavailable

AHEAD_S: Final = 6 * 3_600
"""How far ahead an earlier day is requested: AWS bills metrics, not points, so the evaluations of the next hours find
it in memory at no cost.
"""


class CloudWatchSource:
    """Requests the current window at each evaluation, and earlier days only every AHEAD_S seconds."""

    def __init__(self, cloudwatch: MeteredCloudWatch, fleet: FleetMetrics, span: ObservationSpan) -> None:
        """Raises SourceRefused: CloudWatch has no points at such steps."""
        if span.step_s % 60:
            raise SourceRefused(f"ANDEN_FLEET_STEP_S must be a multiple of 60 for CloudWatch, not {span.step_s}")
        self._cloudwatch = cloudwatch
        self._fleet = fleet
        self._span = span
        self._past: dict[int, tuple[QueryWindow, dict[Labels, Floats]]] = {}

    def observe(self, at_s: float) -> Observation:
        """The fleet according to CloudWatch. Raises SourceUnavailable, SourceRefused."""
        builder = ObservationBuilder(self._span, at_s)
        for day, times_s in self._span.windows(at_s):
            wanted = QueryWindow(int(times_s[0]) - self._span.step_s, int(times_s[-1]), self._span.step_s)
            held, found = self._day_values(day, wanted, at_s)
            first = (wanted.start_s - held.start_s) // held.period_s
            cells = np.arange(day * self._span.points, (day + 1) * self._span.points)
            for signal, one in self._fleet.signals:
                for service, values in _signal(found, signal, one, held.period_s).items():
                    part = values[first : first + wanted.points]
                    if np.isfinite(part).any():
                        builder.put(builder.row(_valid_name(service)), INDEX[signal], cells, part)
        return builder.observation()

    def _day_values(self, day: int, wanted: QueryWindow, at_s: float) -> tuple[QueryWindow, dict[Labels, Floats]]:
        """The values of this day: from memory if they cover the window, else requested with some hours ahead."""
        if day == 0:
            return wanted, self._query(wanted)
        kept = self._past.get(day)
        if kept is None or not kept[0].start_s <= wanted.start_s <= wanted.end_s <= kept[0].end_s:
            ahead_s = min(AHEAD_S, day * DAY_S) // wanted.period_s * wanted.period_s
            window = QueryWindow(wanted.start_s, min(wanted.end_s + ahead_s, int(at_s)), wanted.period_s)
            kept = self._past[day] = (window, self._query(window))
        return kept

    def _query(self, window: QueryWindow) -> dict[Labels, Floats]:
        try:
            found = fetch_arrays(self._cloudwatch, self._fleet.queries(period_s=window.period_s), window)
        except BudgetSpent as error:
            raise SourceUnavailable(str(error)) from error
        if not self._fleet.services:
            counts: dict[Labels, int] = {}
            for labels in found:
                counts[labels[:2]] = counts.get(labels[:2], 0) + 1
            if max(counts.values(), default=0) >= MOST_FOUND:
                raise SourceRefused(
                    f"a SEARCH returned its maximum of {MOST_FOUND} services: list them under `services` in the file "
                    "of ANDEN_FLEET_SIGNALS"
                )
        return found


def _signal(found: dict[Labels, Floats], signal: str, one: SignalMetric, period_s: int) -> dict[str, Floats]:
    """The signal of each service, in the signal's own unit."""
    scale = one.factor / (period_s if one.per_second else 1)
    of_value = {labels[2]: values for labels, values in found.items() if labels[:2] == (signal, "value")}
    if not one.over:
        return {service: np.asarray(values * scale, dtype=np.float32) for service, values in of_value.items()}
    of_over = {labels[2]: values for labels, values in found.items() if labels[:2] == (signal, "over")}
    return {
        service: _ratio(of_value.get(service), over, absent_is_zero=one.absent_is_zero) * np.float32(scale)
        for service, over in of_over.items()
    }


def _ratio(value: Floats | None, over: Floats, *, absent_is_zero: bool) -> Floats:
    """value / over; NaN if `over` is missing or zero, because the service did nothing."""
    if value is None:
        value = np.full_like(over, np.nan)
    worked = np.where(over > 0, over, np.nan)
    known = np.where(np.isnan(value) & np.isfinite(worked), 0, value) if absent_is_zero else value
    return np.asarray(known / worked, dtype=np.float32)


def _valid_name(service: str) -> str:
    if service_name_error(service):
        raise SourceRefused(f"CloudWatch returned a service whose name {service[:40]!r} {service_name_error(service)}")
    return service
