"""The questions that many pages ask in the same manner: a state of now, percentiles of a histogram, an error ratio."""

from typing import Final, TypedDict, Unpack

from apps.monitoring.dashboards.model import (
    NEUTRAL,
    DashboardLink,
    Panel,
    PanelQuery,
    SeriesOverride,
    Thresholds,
    Unit,
    ValueMapping,
)
from apps.telemetry.metric import Metric
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, level, quantile, rate, series

NOW: Final = "5m"
"""The window of figures that stand for now: a panel's own window would depend on the time range."""
PERCENTILES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
YES_NO: Final = (ValueMapping(1, "yes", "ok"), ValueMapping(0, "no", "critical"))
TALL: Final = 9
"""Lines of the grid for a panel with a course and a legend."""
SHORT: Final = 4
"""Lines of the grid for a row of states."""


class PanelOptions(TypedDict, total=False):
    """What a figure may have besides: Panel's own fields."""

    links: tuple[DashboardLink, ...]
    value_mappings: tuple[ValueMapping, ...]
    decimals: int
    minimum: float | None
    series_overrides: tuple[SeriesOverride, ...]


def stat(
    title: str,
    description: str,
    query: PromqlQuery,
    unit: Unit,
    thresholds: Thresholds = NEUTRAL,
    width: int = 3,
    **options: Unpack[PanelOptions],
) -> Panel:
    """One figure of now, with its state as colour."""
    return stats(
        title, description, unit, PanelQuery(query, title, instant=True), width=width, thresholds=thresholds, **options
    )


def stats(
    title: str,
    description: str,
    unit: Unit,
    *targets: PanelQuery,
    width: int,
    thresholds: Thresholds = NEUTRAL,
    **options: Unpack[PanelOptions],
) -> Panel:
    """Some figures of now, one for each series."""
    return Panel(title, description, "stat", unit, targets, width, thresholds, **options)


def timeseries(
    title: str,
    description: str,
    unit: Unit,
    *targets: PanelQuery,
    width: int,
    thresholds: Thresholds = NEUTRAL,
    dimmed: str = "",
    **options: Unpack[PanelOptions],
) -> Panel:
    """The course of some series; those whose whole name matches `dimmed` are only context."""
    if dimmed:
        options["series_overrides"] = (SeriesOverride(dimmed),)
    return Panel(title, description, "timeseries", unit, targets, width, thresholds, **options)


def percentiles(metric: Metric, *where: LabelMatcher) -> tuple[PanelQuery, ...]:
    """p50, p95 and p99 of a histogram."""
    return tuple(PanelQuery(quantile(share, metric, *where), name) for share, name in PERCENTILES)


def ratio(part: PromqlQuery, whole: PromqlQuery) -> PromqlQuery:
    """The part of the whole; nothing where the whole is nothing, 0 where the part never happened."""
    return compose("({}) / (({}) > 0)", or_zero(part, whole), whole)


def or_zero(part: PromqlQuery, whole: PromqlQuery) -> PromqlQuery:
    """The part, 0 where it never happened, and nothing where the whole is not known either."""
    return compose("({}) or 0 * ({})", part, whole)


def nonzero_rate(metric: Metric, *where: LabelMatcher, by: tuple[str, ...]) -> PromqlQuery:
    """What a counter gains per second, of those alone that ever gained: most stand at zero."""
    ever = f"sum by ({', '.join(by)}) ({{}}) > 0"
    return compose(f"{{}} and {ever}", rate(metric, *where, by=by), series(metric, *where))


def seconds_since(metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = ()) -> PromqlQuery:
    """Seconds since the moment that a gauge holds."""
    return compose("time() - {}", level(metric, *where, by=by))


def seconds_until(metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = ()) -> PromqlQuery:
    """Seconds until the moment that a gauge holds."""
    return compose("{} - time()", level(metric, *where, by=by, aggregate="min"))


def histogram_series(metric: Metric) -> PromqlQuery:
    """The series of a histogram that have all of its labels, once each: for the choices of a variable."""
    return PromqlQuery(f"{metric.name}_count", (metric,))
