"""Service level indicators and objectives as values, and the series that rules record from them.

An indicator is the share of bad events among all events. Both are queries for events per second, from which ratios,
event counts and budgets over any window derive.
Source: https://sre.google/workbook/alerting-on-slos/
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apps.api.metrics import PROBE_CHECKS
from apps.api.metrics import REQUESTS as API_REQUESTS
from apps.api.metrics import SECONDS as API_SECONDS
from apps.ingest.metrics import HELD_BACK_SECONDS, LAG_LAST_SUCCESS, LAG_SECONDS, LAG_UP, RECORDS, REJECTS
from apps.telemetry.metric import Metric
from apps.telemetry.metrics import DATABASE_SECONDS
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, count_rate, level, rate, rate_within, series

PERIOD: Final = "30d"
"""The window of an error budget."""
BASE: Final = "5m"
"""The only window read from raw counters; longer ones derive from its recorded series."""
WINDOWS: Final = (BASE, "30m", "1h", "2h", "6h", "1d", "3d", PERIOD)
"""Windows for which error ratio and burn rate are recorded."""
STEP: Final = "2m"
"""Event counts are recorded per step, end to end; longer windows sum them."""
COUNTED: Final = (STEP, "1h", "6h", "1d", "3d", PERIOD)
"""Windows for which event counts are recorded."""

API_WITHIN_S: Final = 0.5
INGEST_WITHIN_S: Final = 60.0
WRITE_WITHIN_S: Final = 0.5
HELD_BACK_TOO_LONG_S: Final = 900.0
"""Kafka lets no transaction stay open for longer (`transaction.max.timeout.ms`): this one hangs. Shorter ones are
normal: a producer that writes exactly once keeps one open from commit to commit."""
LAG_STALE_S: Final = 600
"""An older lag measurement counts as missing: the exporter hangs. It may pause for five minutes."""

_UNIT_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}

Events = Callable[[str], PromqlQuery]
"""Events per second over a window such as "5m", one series per combination of the objective's `by`."""


@dataclass(frozen=True, slots=True)
class Slo:
    """One objective over PERIOD.

    `by`: each combination of these labels has a separate budget. `minimum_events`: fewer in a window never alert.
    `impact`: who notices, as a sentence. `alert`: the prefix of its burn alert's name.
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
    """The length of a window such as "5m" or "3d", in seconds."""
    return int(window[:-1]) * _UNIT_S[window[-1]]


# No app exports recorded series, so they are declared here; dashboards use them like any other metric.
INGEST_LATE: Final = Metric(
    "anden:ingest_late:bool",
    "1 while a dataset's slowest partition is too far behind or held back, else 0; absent while lag is not measured.",
    "gauge",
    labels=("dataset",),
)
BAD: Final = Metric("anden:slo_bad:rate5m", "Bad events per second by objective.", "gauge", labels=("slo", "dataset"))
EVENTS: Final = Metric(
    "anden:slo_events:rate5m", "Events per second by objective.", "gauge", labels=("slo", "dataset")
)
OBJECTIVE: Final = Metric(
    "anden:slo_objective:ratio", "The objective: the share of events that must be good.", "gauge", ("slo",)
)
BUDGET_REMAINING: Final = Metric(
    f"anden:slo_budget_remaining:ratio{PERIOD}",
    "Remaining error budget of the last 30 days: 1 is all of it, below 0 is overspent.",
    "gauge",
    labels=("slo", "dataset"),
)


def error_ratio(window: str) -> Metric:
    """The share of bad events in the window, by objective; absent without events."""
    return _recorded(f"anden:slo_errors:ratio{_checked(window)}", f"Share of bad events within {window}.")


def burn(window: str) -> Metric:
    """The burn rate: how many times faster than allowed the window spent the budget."""
    return _recorded(
        f"anden:slo_burn_rate:ratio{_checked(window)}", f"Burn rate of the error budget within {window}; 1 is allowed."
    )


def event_count(window: str) -> Metric:
    """The number of events in the window, one of COUNTED."""
    return _recorded(f"anden:slo_events:count{_checked(window, COUNTED)}", f"Events within {window}.")


def bad_count(window: str) -> Metric:
    """The number of bad events in the window, one of COUNTED."""
    return _recorded(f"anden:slo_bad:count{_checked(window, COUNTED)}", f"Bad events within {window}.")


def _recorded(name: str, text: str) -> Metric:
    return Metric(name, text, "gauge", labels=("slo", "dataset"))


def _checked(window: str, known: tuple[str, ...] = WINDOWS) -> str:
    if window not in known:
        raise ValueError(f"no series is recorded for {window}: choose one of {', '.join(known)}")
    return window


def lag_measured() -> PromqlQuery:
    """1 while lag is measured, 0 while the exporter reports a failure; absent while it hangs or is down."""
    return compose(f"({{}} unless time() - {{}} > {LAG_STALE_S})", level(LAG_UP), level(LAG_LAST_SUCCESS))


def ingest_late() -> PromqlQuery:
    """1 or 0 per dataset, only while lag is measured. A removed dataset is NaN, so it has no sample.

    Also 1 while a hanging transaction holds records back, which lag leaves out.
    """
    return compose(
        f"(({{}} > bool {HELD_BACK_TOO_LONG_S:g}) == 1 or ({{}} >= 0) > bool {INGEST_WITHIN_S:g}) "
        "and on () ({} == 1)",
        level(HELD_BACK_SECONDS, by=("dataset",)),
        level(LAG_SECONDS, by=("dataset",)),
        lag_measured(),
    )


_THIRD_PARTIES: Final = (LabelMatcher("operation", "unknown", "!="), LabelMatcher("client_class", "probe", "!="))
"""Requests to existing URLs from third parties; the probe has a separate objective."""
_WRITE: Final = LabelMatcher("operation", "write")


def _requests(window: str) -> PromqlQuery:
    # 0 if only the probe sends requests; absent only if requests are not counted.
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
    # A record that the contract drops when late is not an error.
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
        impact="Third parties wait more than half a second for a response to start.",
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
        impact="Readers of the dataset see data more than a minute behind the topic.",
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
        impact="Readers of the dataset miss rows, which are in the quarantine.",
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
        impact="Third parties get no answer, a wrong row, or data they were not granted.",
        alert="Probe",
        dashboard="overview",
    ),
)
SLO_BY_NAME: Final = {slo.name: slo for slo in SLOS}
