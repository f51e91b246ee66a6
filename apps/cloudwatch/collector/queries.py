"""The queries to CloudWatch: the catalogue times the resources."""

from collections.abc import Iterable
from dataclasses import dataclass

from apps.cloudwatch.catalogue.metric import AwsMetric
from apps.cloudwatch.catalogue.resources import Resources

Labels = tuple[str, ...]
Point = tuple[float, float]
"""The start of the period, epoch seconds, and the value."""


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """One statistic of one metric of one resource, or a SEARCH expression that finds several series.

    Results are keyed by `labels`. Series of an expression have one label more: CloudWatch's expansion of `label`, such
    as ${PROP('Dim.ServiceName')}.
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
    """Every metric in every statistic for every resource, labelled (key, statistic, resource)."""
    dimension_values = resources.dimension_values()
    return tuple(
        MetricQuery(
            labels=(metric.key, statistic, "/".join(values)),
            namespace=metric.namespace,
            name=metric.name,
            dimensions=tuple(zip(metric.dimensions, values, strict=True)),
            statistic=statistic,
            period_s=period_s,
        )
        for metric in metrics
        for values in dimension_values[metric.dimensions]
        for statistic in metric.statistics
    )
