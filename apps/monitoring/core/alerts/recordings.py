"""What Prometheus records of the objectives: raw counters over five minutes, and everything longer from that.

A month read from raw counters would be millions of samples at each evaluation, so windows above six hours are summed
from numbers of events per hour. Bad events and all events are summed apart and divided last: a quiet hour weighs
little, and a gap in the one is a gap in the other.
"""

from collections.abc import Iterator
from typing import Final

from apps.datasets.core.metric import Metric
from apps.monitoring.core.alerts.alert import Group, Recording
from apps.monitoring.core.promql import Query, compose, series
from apps.monitoring.core.slos import (
    BAD,
    BASE,
    BUDGET_LEFT,
    COUNTED,
    EVENTS,
    INGEST_LATE,
    OBJECTIVE,
    PERIOD,
    SLOS,
    bad_count,
    burn,
    error_ratio,
    event_count,
    ingest_late,
    window_seconds,
)

FAST_EVERY_S: Final = 30
FAST: Final = (BASE, "30m", "1h", "2h", "6h")
SLOW_EVERY_S: Final = 120
"""Not five minutes, which is as long as a series lives without a new sample."""
SLOW: Final = ("1d", "3d", PERIOD)
HOUR: Final = "1h"


def recording_groups() -> tuple[Group, ...]:
    """The groups of recording rules. Prometheus evaluates a group's rules in order, so what is read comes first."""
    fast = (*_bases(), *(rule for window in FAST for rule in _quick(window)))
    slow = (*(rule for window in COUNTED for rule in _counts(window)), *(rule for w in SLOW for rule in _slow(w)))
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
    yield Recording(error_ratio(window), _ratio(_summed(BAD, window), _summed(EVENTS, window)))
    yield _burn(window)


def _slow(window: str) -> Iterator[Recording]:
    yield Recording(error_ratio(window), _ratio(series(bad_count(window)), series(event_count(window))))
    yield _burn(window)


def _counts(window: str) -> Iterator[Recording]:
    for count, per_second in ((event_count, EVENTS), (bad_count, BAD)):
        if window == HOUR:
            yield Recording(count(window), compose(f"{{}} * {FAST_EVERY_S}", _summed(per_second, window)))
        else:
            # Each event is in as many of the hourly numbers as are recorded within an hour.
            share = window_seconds(HOUR) // SLOW_EVERY_S
            yield Recording(count(window), compose(f"{{}} / {share}", _summed(count(HOUR), window)))


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
