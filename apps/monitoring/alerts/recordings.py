"""What Prometheus records of the objectives: raw counters over five minutes, and everything longer from that.

A month read from raw counters would be millions of samples at each evaluation, so windows above six hours are summed
from numbers of events per step, and the steps neither overlap nor leave a gap: every event is in exactly one, and
weighs the same from the first minute to the last. Bad events and all events are summed apart and divided last: a
quiet hour weighs little, and a gap in the one is a gap in the other.

While Prometheus is away or misses an evaluation, events are not counted, good or bad: nothing is made up for a gap.
"""

from collections.abc import Iterator
from typing import Final

from apps.monitoring.alerts.alert import Group, Recording
from apps.monitoring.alerts.slos import (
    BAD,
    BASE,
    BUDGET_LEFT,
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
from apps.telemetry.promql import Query, compose, series

FAST_EVERY_S: Final = 30
FAST: Final = (BASE, "30m", "1h", "2h", "6h")
SLOW_EVERY_S: Final = window_seconds(STEP)
"""Not five minutes, which is as long as a series lives without a new sample."""
SLOW: Final = ("1d", "3d", PERIOD)


def recording_groups() -> tuple[Group, ...]:
    """The groups of recording rules. Prometheus evaluates a group's rules in order, so what is read comes first."""
    fast = (*_bases(), *(rule for window in FAST for rule in _quick(window)))
    slow = (*_steps(), *(rule for window in SLOW for rule in _slow(window)))
    return (
        Group("anden-slo-fast", f"{FAST_EVERY_S}s", fast),
        Group("anden-slo-slow", f"{SLOW_EVERY_S}s", (*slow, _budget_left())),
    )


def _bases() -> Iterator[Recording]:
    yield Recording(INGEST_LATE, ingest_late())
    for slo in SLOS:
        events = slo.events(BASE)
        named = (("slo", slo.name),)
        yield Recording(EVENTS, events, named)
        # A class of failure that never happened has no series: that is none, not nothing known.
        yield Recording(BAD, compose("({}) or 0 * ({})", slo.bad(BASE), events), named)
        yield Recording(OBJECTIVE, Query(f"vector({slo.objective:g})"), named)


def _quick(window: str) -> Iterator[Recording]:
    bad, events = _summed(BAD, window), _summed(EVENTS, window)
    if window in COUNTED:
        yield Recording(event_count(window), compose(f"{{}} * {FAST_EVERY_S}", events))
        yield Recording(bad_count(window), compose(f"{{}} * {FAST_EVERY_S}", bad))
        bad, events = series(bad_count(window)), series(event_count(window))
    yield Recording(error_ratio(window), _ratio(bad, events))
    yield _burn(window)


def _steps() -> Iterator[Recording]:
    # The mean and not a sum: how many samples lie in a step depends on where its edges fall between two of them.
    for count, per_second in ((event_count, EVENTS), (bad_count, BAD)):
        yield Recording(count(STEP), compose(f"avg_over_time({{}}[{STEP}]) * {SLOW_EVERY_S}", series(per_second)))


def _slow(window: str) -> Iterator[Recording]:
    for count in (event_count, bad_count):
        yield Recording(count(window), _summed(count(STEP), window))
    yield Recording(error_ratio(window), _ratio(series(bad_count(window)), series(event_count(window))))
    yield _burn(window)


def _ratio(bad: Query, events: Query) -> Query:
    """Without events there is no ratio, rather than 0 / 0."""
    return compose("{} / ({} > 0)", bad, events)


def _summed(metric: Metric, window: str) -> Query:
    return compose(f"sum_over_time({{}}[{window}])", series(metric))


def _burn(window: str) -> Recording:
    return Recording(
        burn(window),
        compose("{} / on (slo) group_left () (1 - {})", series(error_ratio(window)), series(OBJECTIVE)),
    )


def _budget_left() -> Recording:
    return Recording(BUDGET_LEFT, compose("1 - {}", series(burn(PERIOD))))
