"""The questions that many pages ask in the same manner: a state of now, percentiles of a histogram, an error ratio."""

from typing import Final, TypedDict, Unpack

from apps.monitoring.dashboards.model import NEUTRAL, Emphasis, Link, Meaning, Panel, Scale, Target, Unit
from apps.telemetry.metric import Metric
from apps.telemetry.promql import Match, Query, compose, level, quantile, rate, series

NOW: Final = "5m"
"""The window of figures that stand for now: a panel's own window would depend on the time range."""
PERCENTILES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
YES_NO: Final = (Meaning(1, "yes", "well"), Meaning(0, "no", "bad"))
TALL: Final = 9
"""Lines of the grid for a panel with a course and a legend."""
SHORT: Final = 4
"""Lines of the grid for a row of states."""


class Looks(TypedDict, total=False):
    """What a figure may have besides: Panel's own fields."""

    links: tuple[Link, ...]
    meanings: tuple[Meaning, ...]
    decimals: int
    minimum: float | None
    emphases: tuple[Emphasis, ...]


def state(
    title: str,
    description: str,
    query: Query,
    unit: Unit,
    scale: Scale = NEUTRAL,
    width: int = 3,
    **looks: Unpack[Looks],
) -> Panel:
    """One figure of now, with its state as colour."""
    return figures(title, description, unit, Target(query, title, instant=True), width=width, scale=scale, **looks)


def figures(
    title: str,
    description: str,
    unit: Unit,
    *targets: Target,
    width: int,
    scale: Scale = NEUTRAL,
    **looks: Unpack[Looks],
) -> Panel:
    """Some figures of now, one for each series."""
    return Panel(title, description, "stat", unit, targets, width, scale, **looks)


def lines(
    title: str,
    description: str,
    unit: Unit,
    *targets: Target,
    width: int,
    scale: Scale = NEUTRAL,
    pale: str = "",
    **looks: Unpack[Looks],
) -> Panel:
    """The course of some series; those whose whole name matches `pale` are only context."""
    if pale:
        looks["emphases"] = (Emphasis(pale),)
    return Panel(title, description, "lines", unit, targets, width, scale, **looks)


def percentiles(metric: Metric, *where: Match) -> tuple[Target, ...]:
    """p50, p95 and p99 of a histogram."""
    return tuple(Target(quantile(share, metric, *where), name) for share, name in PERCENTILES)


def share(part: Query, whole: Query) -> Query:
    """The part of the whole; nothing where the whole is nothing, 0 where the part never happened."""
    return compose("({}) / (({}) > 0)", or_zero(part, whole), whole)


def or_zero(part: Query, whole: Query) -> Query:
    """The part, 0 where it never happened, and nothing where the whole is not known either."""
    return compose("({}) or 0 * ({})", part, whole)


def occurring(metric: Metric, *where: Match, by: tuple[str, ...]) -> Query:
    """What a counter gains per second, of those alone that ever gained: most stand at zero."""
    ever = f"sum by ({', '.join(by)}) ({{}}) > 0"
    return compose(f"{{}} and {ever}", rate(metric, *where, by=by), series(metric, *where))


def age(metric: Metric, *where: Match, by: tuple[str, ...] = ()) -> Query:
    """Seconds since the moment that a gauge holds."""
    return compose("time() - {}", level(metric, *where, by=by))


def until(metric: Metric, *where: Match, by: tuple[str, ...] = ()) -> Query:
    """Seconds until the moment that a gauge holds."""
    return compose("{} - time()", level(metric, *where, by=by, aggregate="min"))


def counted(metric: Metric) -> Query:
    """The series of a histogram that have all of its labels, once each: for the choices of a variable."""
    return Query(f"{metric.name}_count", (metric,))
