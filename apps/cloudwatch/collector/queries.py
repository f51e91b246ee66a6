"""What is asked of CloudWatch: the catalogue times the resources."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.cloudwatch.catalogue.metric import AwsMetric
from apps.cloudwatch.catalogue.resources import Resources

Labels = tuple[str, ...]
Point = tuple[float, float]
"""When the period began, epoch seconds, and the value."""


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """One metric in one statistic at one place, or a SEARCH expression that finds several.

    `labels` say what it is to the one who asks; an answer comes back under them, and where an expression found it
    under one more: what CloudWatch made of `label`, say ${PROP('Dim.ServiceName')}.
    """

    labels: Labels
    namespace: str = ""
    name: str = ""
    dimensions: tuple[tuple[str, str], ...] = ()
    statistic: str = ""
    expression: str = ""
    label: str = ""
    period_s: int = 60


def catalogue_queries(
    metrics: Iterable[AwsMetric], resources: Resources, *, period_s: int = 60
) -> tuple[MetricQuery, ...]:
    """Every metric in every statistic at every place; labelled (key, statistic, resource)."""
    dimension_values = resources.dimension_values()
    return tuple(
        MetricQuery(
            labels=(metric.key, statistic, "/".join(place)),
            namespace=metric.namespace,
            name=metric.name,
            dimensions=tuple(zip(metric.dimensions, place, strict=True)),
            statistic=statistic,
            period_s=period_s,
        )
        for metric in metrics
        for place in dimension_values[metric.dimensions]
        for statistic in metric.statistics
    )
