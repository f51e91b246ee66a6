"""A CloudWatch metric as a value: what to ask for, in which unit it answers, and what is easy to get wrong."""

from dataclasses import dataclass
from typing import Literal

Resource = Literal["database", "kafka", "balancer", "gateway", "function", "cluster", "certificate"]


@dataclass(frozen=True, slots=True)
class AwsMetric:
    """One line of the catalogue.

    `statistics` are CloudWatch's words (Average, Sum, Maximum, p95); `dimensions` the names whose values the
    resource gives, in the order CloudWatch documents them; `caveat` one sentence for the panel's description.
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
