"""The catalogue: every CloudWatch metric that Andén reads, with AWS's names, dimensions and units, and a caveat."""

from typing import Final

from apps.cloudwatch.catalogue.balancer import BALANCER_METRICS
from apps.cloudwatch.catalogue.certificate import CERTIFICATE_METRICS
from apps.cloudwatch.catalogue.cluster import CLUSTER_METRICS
from apps.cloudwatch.catalogue.database import DATABASE_METRICS
from apps.cloudwatch.catalogue.function import FUNCTION_METRICS
from apps.cloudwatch.catalogue.gateway import GATEWAY_METRICS
from apps.cloudwatch.catalogue.kafka import KAFKA_METRICS
from apps.cloudwatch.catalogue.metric import AwsMetric

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
