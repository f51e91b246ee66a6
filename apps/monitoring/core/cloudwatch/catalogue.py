"""The catalogue: every CloudWatch metric that Andén reads, and what is easy to get wrong about it.

Names, dimensions and units are AWS's own.
"""

from typing import Final

from apps.monitoring.core.aws_metric import AwsMetric
from apps.monitoring.core.cloudwatch.families.balancer import BALANCER_METRICS
from apps.monitoring.core.cloudwatch.families.certificate import CERTIFICATE_METRICS
from apps.monitoring.core.cloudwatch.families.cluster import CLUSTER_METRICS
from apps.monitoring.core.cloudwatch.families.database import DATABASE_METRICS
from apps.monitoring.core.cloudwatch.families.function import FUNCTION_METRICS
from apps.monitoring.core.cloudwatch.families.gateway import GATEWAY_METRICS
from apps.monitoring.core.cloudwatch.families.kafka import KAFKA_METRICS

CATALOGUE: Final[tuple[AwsMetric, ...]] = (
    *DATABASE_METRICS,
    *KAFKA_METRICS,
    *BALANCER_METRICS,
    *GATEWAY_METRICS,
    *FUNCTION_METRICS,
    *CLUSTER_METRICS,
    *CERTIFICATE_METRICS,
)
BY_KEY: Final = {metric.key: metric for metric in CATALOGUE}
