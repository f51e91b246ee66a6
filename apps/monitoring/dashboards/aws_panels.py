"""Panels of metrics from the CloudWatch catalogue, which provides unit, title and caveat."""

from typing import Final

from apps.cloudwatch.catalogue.catalogue import BY_KEY
from apps.cloudwatch.catalogue.metric import AwsMetric
from apps.monitoring.dashboards.model import NEUTRAL, CloudWatchQuery, DashboardLink, Panel, Thresholds, Unit

UNITS: Final = {
    "Seconds": Unit.SECONDS,
    "Milliseconds": Unit.MILLISECONDS,
    "Percent": Unit.PERCENT,
    "Count": Unit.COUNT,
    "Bytes": Unit.BYTES,
    "Count/Second": Unit.PER_SECOND,
    "Bytes/Second": Unit.BYTES_PER_SECOND,
}
"""Panel units by CloudWatch's units."""


def aws_timeseries(
    title: str,
    *keys: str,
    width: int,
    thresholds: Thresholds = NEUTRAL,
    unit: Unit | None = None,
    links: tuple[DashboardLink, ...] = (),
) -> Panel:
    """Catalogue metrics over time, each with every statistic that the catalogue reads.

    Raises ValueError: their units differ. Raises KeyError: the catalogue has no such metric.
    """
    metrics = [BY_KEY[key] for key in keys]
    units = {UNITS[metric.unit] for metric in metrics}
    if len(units) != 1:
        raise ValueError(f"{title!r} mixes units: {sorted(units)}")
    targets = tuple(
        CloudWatchQuery(metric, statistic, _legend(metric, statistic, alone=len(metrics) == 1))
        for metric in metrics
        for statistic in metric.statistics
    )
    return Panel(
        title, _description(metrics), "timeseries", unit or units.pop(), targets, width, thresholds, links=links
    )


def _legend(metric: AwsMetric, statistic: str, *, alone: bool) -> str:
    word = statistic if statistic.startswith("p") else statistic.lower()
    return word if alone else f"{metric.title}, {word}"


def _description(metrics: list[AwsMetric]) -> str:
    traps = dict.fromkeys(metric.caveat for metric in metrics)
    names = ", ".join(f"{metric.namespace} {metric.name}" for metric in metrics)
    return f"{names}. {' '.join(traps)}"
