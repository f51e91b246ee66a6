"""Recording rules of the objectives: raw counters over five minutes, and every longer window from those.

Reading a month from raw counters would take millions of samples per evaluation. Windows above six hours therefore sum
event counts per step. Steps neither overlap nor leave gaps: every event is in exactly one and weighs the same from the
first minute to the last. Bad and total events are summed separately and divided last, so a quiet hour weighs little
and both have the same gaps.

Events during an outage of Prometheus or a missed evaluation are not counted, good or bad: no gap is filled.
"""

from collections.abc import Iterator
from typing import Final

from apps.monitoring.alerts.alert import RecordingRule, RuleGroup
from apps.monitoring.alerts.slos import (
    BAD,
    BASE,
    BUDGET_REMAINING,
    COUNTED,
    EVENTS,
    INGEST_LATE,
    OBJECTIVE,
    PERIOD,
    SLOS,
    STEP,
    bad_count,
    burn,
    error_ratio,
    event_count,
    ingest_late,
    window_seconds,
)
from apps.telemetry.metric import Metric
from apps.telemetry.promql import PromqlQuery, compose, series

FAST_EVERY_S: Final = 30
FAST: Final = (BASE, "30m", "1h", "2h", "6h")
SLOW_EVERY_S: Final = window_seconds(STEP)
"""Less than five minutes, after which a series without a new sample goes stale."""
SLOW: Final = ("1d", "3d", PERIOD)


def recording_groups() -> tuple[RuleGroup, ...]:
    """The groups of recording rules, inputs first: Prometheus evaluates the rules of a group in order."""
    fast = (*_bases(), *(rule for window in FAST for rule in _quick(window)))
    slow = (*_steps(), *(rule for window in SLOW for rule in _slow(window)))
    return (
        RuleGroup("anden-slo-fast", f"{FAST_EVERY_S}s", fast),
        RuleGroup("anden-slo-slow", f"{SLOW_EVERY_S}s", (*slow, _budget_left())),
    )


def _bases() -> Iterator[RecordingRule]:
    yield RecordingRule(INGEST_LATE, ingest_late())
    for slo in SLOS:
        events = slo.events(BASE)
        named = (("slo", slo.name),)
        yield RecordingRule(EVENTS, events, named)
        # A class of failure that never occurred has no series; it counts as 0, not as unknown.
        yield RecordingRule(BAD, compose("({}) or 0 * ({})", slo.bad(BASE), events), named)
        yield RecordingRule(OBJECTIVE, PromqlQuery(f"vector({slo.objective:g})"), named)


def _quick(window: str) -> Iterator[RecordingRule]:
    bad, events = _summed(BAD, window), _summed(EVENTS, window)
    if window in COUNTED:
        yield RecordingRule(event_count(window), compose(f"{{}} * {FAST_EVERY_S}", events))
        yield RecordingRule(bad_count(window), compose(f"{{}} * {FAST_EVERY_S}", bad))
        bad, events = series(bad_count(window)), series(event_count(window))
    yield RecordingRule(error_ratio(window), _ratio(bad, events))
    yield _burn(window)


def _steps() -> Iterator[RecordingRule]:
    # The mean, not a sum: how many samples fall into a step depends on its edges.
    for count, per_second in ((event_count, EVENTS), (bad_count, BAD)):
        yield RecordingRule(count(STEP), compose(f"avg_over_time({{}}[{STEP}]) * {SLOW_EVERY_S}", series(per_second)))


def _slow(window: str) -> Iterator[RecordingRule]:
    for count in (event_count, bad_count):
        yield RecordingRule(count(window), _summed(count(STEP), window))
    yield RecordingRule(error_ratio(window), _ratio(series(bad_count(window)), series(event_count(window))))
    yield _burn(window)


def _ratio(bad: PromqlQuery, events: PromqlQuery) -> PromqlQuery:
    """Absent without events, instead of 0 / 0."""
    return compose("{} / ({} > 0)", bad, events)


def _summed(metric: Metric, window: str) -> PromqlQuery:
    return compose(f"sum_over_time({{}}[{window}])", series(metric))


def _burn(window: str) -> RecordingRule:
    return RecordingRule(
        burn(window),
        compose("{} / on (slo) group_left () (1 - {})", series(error_ratio(window)), series(OBJECTIVE)),
    )


def _budget_left() -> RecordingRule:
    return RecordingRule(BUDGET_REMAINING, compose("1 - {}", series(burn(PERIOD))))
