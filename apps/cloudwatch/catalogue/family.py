"""The metrics of one AWS service, one row each."""

from typing import Final

from apps.cloudwatch.catalogue.metric import AwsMetric, Resource

Row = tuple[str, str, tuple[str, ...], str, tuple[str, ...], str, str]
"""key, name, statistics, unit, dimensions, title, caveat."""

AVERAGE: Final = ("Average",)
MAXIMUM: Final = ("Maximum",)
MINIMUM: Final = ("Minimum",)
SUM: Final = ("Sum",)
LATENCIES: Final = ("p50", "p95", "p99")


def family(resource: Resource, namespace: str, *rows: Row) -> tuple[AwsMetric, ...]:
    """The metrics of one service, in the order of their rows."""
    return tuple(
        AwsMetric(key, resource, namespace, name, statistics, unit, dimensions, title, caveat)
        for key, name, statistics, unit, dimensions, title, caveat in rows
    )
