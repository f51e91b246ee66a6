"""What Prometheus records of the objectives: raw counters over five minutes, and everything longer from that.

A month read from raw counters would be millions of samples at each evaluation, so windows above six hours are summed
from numbers of events per step, and the steps neither overlap nor leave a gap: every event is in exactly one, and
weighs the same from the first minute to the last. Bad events and all events are summed apart and divided last: a
quiet hour weighs little, and a gap in the one is a gap in the other.

While Prometheus is away or misses an evaluation, events are not counted, good or bad: nothing is made up for a gap.
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
"""Not five minutes, which is as long as a series lives without a new sample."""
SLOW: Final = ("1d", "3d", PERIOD)


def recording_groups() -> tuple[RuleGroup, ...]:
    """The groups of recording rules. Prometheus evaluates a group's rules in order, so what is read comes first."""
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
        # A class of failure that never happened has no series: that is none, not nothing known.
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
    # The mean and not a sum: how many samples lie in a step depends on where its edges fall between two of them.
    for count, per_second in ((event_count, EVENTS), (bad_count, BAD)):
        yield RecordingRule(count(STEP), compose(f"avg_over_time({{}}[{STEP}]) * {SLOW_EVERY_S}", series(per_second)))


def _slow(window: str) -> Iterator[RecordingRule]:
    for count in (event_count, bad_count):
        yield RecordingRule(count(window), _summed(count(STEP), window))
    yield RecordingRule(error_ratio(window), _ratio(series(bad_count(window)), series(event_count(window))))
    yield _burn(window)


def _ratio(bad: PromqlQuery, events: PromqlQuery) -> PromqlQuery:
    """Without events there is no ratio, rather than 0 / 0."""
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
