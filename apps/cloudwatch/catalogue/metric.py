"""A CloudWatch metric as a value: what to request, its unit, and its caveat."""

from dataclasses import dataclass
from typing import Literal

Resource = Literal["database", "kafka", "balancer", "gateway", "function", "cluster", "certificate"]


@dataclass(frozen=True, slots=True)
class AwsMetric:
    """One entry of the catalogue.

    `statistics` are CloudWatch's names (Average, Sum, Maximum, p95); `dimensions` are in CloudWatch's documented
    order; `caveat` is one sentence for the panel's description.
    """

    key: str
    resource: Resource
    namespace: str
    name: str
    statistics: tuple[str, ...]
    unit: str
    dimensions: tuple[str, ...]
    title: str
    caveat: str
