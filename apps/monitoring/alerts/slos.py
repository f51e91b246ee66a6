"""What the platform promises, as values: indicators, objectives, and the series that rules record from them.

An indicator is a share of bad events among all events. Both are queries for events per second, so that a ratio of
two windows, a number of events and a budget come from the same two.
Source: https://sre.google/workbook/alerting-on-slos/
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apps.api.metrics import PROBE_CHECKS
from apps.api.metrics import REQUESTS as API_REQUESTS
from apps.api.metrics import SECONDS as API_SECONDS
from apps.ingest.metrics import LAG_LAST_SUCCESS, LAG_SECONDS, LAG_UP, RECORDS, REJECTS
from apps.telemetry.metric import Metric
from apps.telemetry.metrics import DATABASE_SECONDS
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, count_rate, level, rate, rate_within, series

PERIOD: Final = "30d"
"""The window that a budget is for."""
BASE: Final = "5m"
"""The one window that is read from raw counters; longer ones come from what it recorded."""
WINDOWS: Final = (BASE, "30m", "1h", "2h", "6h", "1d", "3d", PERIOD)
"""Windows that error ratio and burn are recorded for."""
STEP: Final = "2m"
"""The window whose numbers of events are recorded once within it, end to end: longer windows are sums of them."""
COUNTED: Final = (STEP, "1h", "6h", "1d", "3d", PERIOD)
"""Windows that numbers of events are recorded for."""

API_WITHIN_S: Final = 0.5
INGEST_WITHIN_S: Final = 60.0
WRITE_WITHIN_S: Final = 0.5
LAG_STALE_S: Final = 600
"""A measurement of lag that is older is none: its exporter stands still. It may pause for five minutes."""

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Events = Callable[[str], PromqlQuery]
"""Events per second over a window such as "5m", one series per combination of the objective's `by`."""


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective over PERIOD.

    `by`: labels that make a budget of its own each. `minimum_events`: fewer in a window never alert. `hurt`: who
    notices, as a sentence. `alert`: the beginning of its alerts' name, and of its runbook's file in kebab case.
    """

    name: str
    title: str
    objective: float
    events: Events
    bad: Events
    minimum_events: int
    impact: str
    alert: str
    dashboard: str
    by: tuple[str, ...] = ()

    @property
    def budget(self) -> float:
        """The share of events that may be bad."""
        return round(1 - self.objective, 9)


def window_seconds(window: str) -> int:
    """The seconds of a window such as "5m" or "3d"."""
    return int(window[:-1]) * _UNIT_S[window[-1]]


# Recorded series are foreign to the apps, so they stand here; dashboards refer to them as to any other metric.
INGEST_LATE: Final = Metric(
    "anden:ingest_late:bool",
    "1 while a dataset's most backward position is too old, 0 while it is not; absent while nobody measures.",
    "gauge",
    labels=("dataset",),
)
BAD: Final = Metric("anden:slo_bad:rate5m", "Bad events per second by objective.", "gauge", labels=("slo", "dataset"))
EVENTS: Final = Metric(
    "anden:slo_events:rate5m", "Events per second by objective.", "gauge", labels=("slo", "dataset")
)
OBJECTIVE: Final = Metric(
    "anden:slo_objective:ratio", "The objective: the share that must be good.", "gauge", ("slo",)
)
BUDGET_REMAINING: Final = Metric(
    f"anden:slo_budget_remaining:ratio{PERIOD}",
    "What is left of the error budget of the last 30 days: 1 is all of it, below 0 it is overspent.",
    "gauge",
    labels=("slo", "dataset"),
)


def error_ratio(window: str) -> Metric:
    """The series with the share of bad events in the window, by objective; absent where there were no events."""
    return _recorded(f"anden:slo_errors:ratio{_known(window)}", f"Share of bad events within {window}.")


def burn(window: str) -> Metric:
    """The series that says how many times faster than allowed the budget was spent in the window."""
    return _recorded(
        f"anden:slo_burn_rate:ratio{_known(window)}", f"Burn of the error budget within {window}; 1 is allowed."
    )


def event_count(window: str) -> Metric:
    """The series with the number of events in the window, one of COUNTED."""
    return _recorded(f"anden:slo_events:count{_known(window, COUNTED)}", f"Events within {window}.")


def bad_count(window: str) -> Metric:
    """The series with the number of bad events in the window, one of COUNTED."""
    return _recorded(f"anden:slo_bad:count{_known(window, COUNTED)}", f"Bad events within {window}.")


def _recorded(name: str, text: str) -> Metric:
    return Metric(name, text, "gauge", labels=("slo", "dataset"))


def _known(window: str, known: tuple[str, ...] = WINDOWS) -> str:
    if window not in known:
        raise ValueError(f"nothing is recorded for {window}: only for {', '.join(known)}")
    return window


def lag_measured() -> PromqlQuery:
    """1 while lag is measured, 0 while the exporter says that it is not; absent while it stands still or is gone."""
    return compose(f"({{}} unless time() - {{}} > {LAG_STALE_S})", level(LAG_UP), level(LAG_LAST_SUCCESS))


def ingest_late() -> PromqlQuery:
    """1 or 0 per dataset, only while lag is measured; a dataset that is gone is NaN and so no sample at all."""
    return compose(
        f"(({{}} >= 0) > bool {INGEST_WITHIN_S:g}) and on () ({{}} == 1)",
        level(LAG_SECONDS, by=("dataset",)),
        lag_measured(),
    )


_THIRD_PARTIES: Final = (LabelMatcher("operation", "unknown", "!="), LabelMatcher("client_class", "probe", "!="))
"""Requests to addresses that there are, from those for whom the API is: the probe has an objective of its own."""
_WRITE: Final = LabelMatcher("operation", "write")


def _requests(window: str) -> PromqlQuery:
    # Where only the probe asks, there were no requests, which is another thing than nobody counting them.
    return compose(
        "{} or 0 * {}", rate(API_REQUESTS, *_THIRD_PARTIES, window=window), rate(API_REQUESTS, window=window)
    )


def _requests_failed(window: str) -> PromqlQuery:
    return rate(API_REQUESTS, *_THIRD_PARTIES, LabelMatcher("status", "5xx"), window=window)


def _requests_timed(window: str) -> PromqlQuery:
    return compose(
        "{} or 0 * {}", count_rate(API_SECONDS, *_THIRD_PARTIES, window=window), count_rate(API_SECONDS, window=window)
    )


def _requests_slow(window: str) -> PromqlQuery:
    return compose(
        "{} - {}",
        count_rate(API_SECONDS, *_THIRD_PARTIES, window=window),
        rate_within(API_SECONDS, API_WITHIN_S, *_THIRD_PARTIES, window=window),
    )


def _minutes_measured(window: str) -> PromqlQuery:
    return compose(
        f"sum by (dataset) (count_over_time({{}}[{window}])) / {window_seconds(window)}", series(INGEST_LATE)
    )


def _minutes_late(window: str) -> PromqlQuery:
    return compose(f"sum by (dataset) (sum_over_time({{}}[{window}])) / {window_seconds(window)}", series(INGEST_LATE))


def _records(window: str) -> PromqlQuery:
    return rate(RECORDS, by=("dataset",), window=window)


def _records_rejected(window: str) -> PromqlQuery:
    # What a contract lets go is no fault of anybody.
    return rate(REJECTS, LabelMatcher("reason", "late_dropped", "!="), by=("dataset",), window=window)


def _writes(window: str) -> PromqlQuery:
    return count_rate(DATABASE_SECONDS, _WRITE, window=window)


def _writes_slow(window: str) -> PromqlQuery:
    return compose("{} - {}", _writes(window), rate_within(DATABASE_SECONDS, WRITE_WITHIN_S, _WRITE, window=window))


def _checks(window: str) -> PromqlQuery:
    return rate(PROBE_CHECKS, window=window)


def _checks_failed(window: str) -> PromqlQuery:
    return rate(PROBE_CHECKS, LabelMatcher("outcome", "failed"), window=window)


SLOS: Final = (
    Slo(
        name="api-availability",
        title="API availability",
        objective=0.999,
        events=_requests,
        bad=_requests_failed,
        minimum_events=50,
        impact="Third parties get an error instead of their rows.",
        alert="ApiAvailability",
        dashboard="api",
    ),
    Slo(
        name="api-latency",
        title="API latency",
        objective=0.99,
        events=_requests_timed,
        bad=_requests_slow,
        minimum_events=100,
        impact="Third parties wait more than half a second for an answer to begin.",
        alert="ApiLatency",
        dashboard="api",
    ),
    Slo(
        name="ingest-freshness",
        title="Ingest freshness",
        objective=0.99,
        events=_minutes_measured,
        bad=_minutes_late,
        minimum_events=20,
        impact="Readers of the dataset see rows that are more than a minute behind the topic.",
        alert="IngestFreshness",
        dashboard="ingest",
        by=("dataset",),
    ),
    Slo(
        name="rejects",
        title="Records accepted",
        objective=0.995,
        events=_records,
        bad=_records_rejected,
        minimum_events=500,
        impact="Readers of the dataset miss rows, and stewards find them in the quarantine.",
        alert="IngestRejects",
        dashboard="ingest",
        by=("dataset",),
    ),
    Slo(
        name="database-write",
        title="Database write time",
        objective=0.99,
        events=_writes,
        bad=_writes_slow,
        minimum_events=100,
        impact="Ingest and API writes wait for PostgreSQL; freshness follows within minutes.",
        alert="DatabaseWrite",
        dashboard="database",
    ),
    Slo(
        name="probe-success",
        title="Probe success",
        objective=0.999,
        events=_checks,
        bad=_checks_failed,
        minimum_events=20,
        impact="Whoever comes from outside gets no answer, a wrong row, or a right that nobody granted.",
        alert="Probe",
        dashboard="overview",
    ),
)
SLO_BY_NAME: Final = {slo.name: slo for slo in SLOS}
