"""Panels and queries that many dashboards use: current values, percentiles, ratios."""

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
"""The rate window of current values; $__rate_interval would depend on the time range."""
PERCENTILES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
YES_NO: Final = (ValueMapping(1, "yes", "ok"), ValueMapping(0, "no", "critical"))
TALL: Final = 9
"""Height of a row of time series with legends, in grid units."""
SHORT: Final = 4
"""Height of a row of stats, in grid units."""


class PanelOptions(TypedDict, total=False):
    """Optional fields of Panel."""

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
    """The current value, coloured by its status."""
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
    """The current values, one per series."""
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
    """Values over time; series whose full name matches `dimmed` are drawn as context."""
    if dimmed:
        options["series_overrides"] = (SeriesOverride(dimmed),)
    return Panel(title, description, "timeseries", unit, targets, width, thresholds, **options)


def percentiles(metric: Metric, *where: LabelMatcher) -> tuple[PanelQuery, ...]:
    """p50, p95 and p99 of a histogram."""
    return tuple(PanelQuery(quantile(share, metric, *where), name) for share, name in PERCENTILES)


def ratio(part: PromqlQuery, total: PromqlQuery) -> PromqlQuery:
    """part / total: absent if the total is zero or absent, 0 if the part never occurred."""
    return compose("({}) / (({}) > 0)", or_zero(part, total), total)


def or_zero(part: PromqlQuery, total: PromqlQuery) -> PromqlQuery:
    """The part: 0 if it never occurred, absent if the total is absent."""
    return compose("({}) or 0 * ({})", part, total)


def nonzero_rate(metric: Metric, *where: LabelMatcher, by: tuple[str, ...]) -> PromqlQuery:
    """The rate of the counters that ever increased: most are always zero."""
    ever = f"sum by ({', '.join(by)}) ({{}}) > 0"
    return compose(f"{{}} and {ever}", rate(metric, *where, by=by), series(metric, *where))


def seconds_since(metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = ()) -> PromqlQuery:
    """Seconds since a gauge's timestamp."""
    return compose("time() - {}", level(metric, *where, by=by))


def seconds_until(metric: Metric, *where: LabelMatcher, by: tuple[str, ...] = ()) -> PromqlQuery:
    """Seconds until a gauge's timestamp."""
    return compose("{} - time()", level(metric, *where, by=by, aggregate="min"))


def histogram_series(metric: Metric) -> PromqlQuery:
    """The series of a histogram with all its labels, once each: for a variable's values."""
    return PromqlQuery(f"{metric.name}_count", (metric,))
