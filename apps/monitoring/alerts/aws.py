"""Alerts on AWS resources. Grafana evaluates them, because Prometheus does not read CloudWatch."""

from dataclasses import dataclass
from typing import Final, Literal

from apps.cloudwatch.catalogue.catalogue import BY_KEY
from apps.cloudwatch.catalogue.metric import AwsMetric
from apps.monitoring.alerts.alert import Severity, runbook_name

GIB: Final = 1024**3


@dataclass(frozen=True, slots=True)
class AwsAlert:
    """One rule over every resource that has the metric.

    `no_data_state` is OK for counts, which CloudWatch omits when they are zero, and NoData for levels, which exist as
    long as their resource does.
    """

    name: str
    metric: AwsMetric
    statistic: str
    comparison: Literal["gt", "lt"]
    threshold: float
    for_: str
    severity: Severity
    summary: str
    no_data_state: Literal["OK", "NoData"] = "NoData"

    def __post_init__(self) -> None:
        """Raises ValueError: the catalogue does not read this statistic."""
        if self.statistic not in self.metric.statistics:
            raise ValueError(f"{self.name}: {self.metric.key} has {', '.join(self.metric.statistics)}")

    @property
    def runbook(self) -> str:
        """The file name of its runbook, without .md."""
        return runbook_name(self.name)


AWS_ALERTS: Final = (
    AwsAlert(
        "RdsStorageLow",
        BY_KEY["database_free_storage"],
        "Minimum",
        "lt",
        10 * GIB,
        "10m",
        "page",
        "An RDS database has less than 10 GiB of storage left; it stops when storage is full",
        no_data_state="OK",  # Aurora has no such metric
    ),
    AwsAlert(
        "RdsTransactionIdsHigh",
        BY_KEY["database_transaction_ids"],
        "Maximum",
        "gt",
        1e9,
        "1h",
        "ticket",
        "A database has used half of its transaction IDs: autovacuum falls behind, and writes stop at wraparound",
    ),
    AwsAlert(
        "MskPartitionsOffline",
        BY_KEY["kafka_offline_partitions"],
        BY_KEY["kafka_offline_partitions"].statistics[0],
        "gt",
        0,
        "3m",
        "page",
        "MSK partitions have no leader: clients can neither write nor read them",
    ),
    AwsAlert(
        "MskPartitionsUnderReplicated",
        BY_KEY["kafka_under_replicated"],
        BY_KEY["kafka_under_replicated"].statistics[0],
        "gt",
        0,
        "30m",
        "ticket",
        "MSK partitions have been under-replicated for half an hour; losing another broker may lose records",
    ),
    AwsAlert(
        "MskDiskUsageHigh",
        BY_KEY["kafka_disk_used"],
        "Maximum",
        "gt",
        80,
        "30m",
        "ticket",
        "An MSK broker has used 80 % of its disk; it stops when the disk is full",
        no_data_state="OK",  # Express brokers have no local disk
    ),
    AwsAlert(
        "LoadBalancerErrorsHigh",
        BY_KEY["balancer_own_errors"],
        "Sum",
        "gt",
        20,
        "5m",
        "page",
        "The load balancer returns errors of its own; these requests never reach the API or its metrics",
        no_data_state="OK",
    ),
    AwsAlert(
        "LoadBalancerTargetsUnhealthy",
        BY_KEY["balancer_unhealthy_hosts"],
        BY_KEY["balancer_unhealthy_hosts"].statistics[0],
        "gt",
        0,
        "15m",
        "ticket",
        "The load balancer has taken a target out of service; fewer pods share the load",
    ),
    AwsAlert(
        "ApiGatewayErrorsHigh",
        BY_KEY["gateway_server_errors"],
        "Sum",
        "gt",
        20,
        "5m",
        "page",
        "API Gateway returns errors to third parties",
        no_data_state="OK",
    ),
    AwsAlert(
        "LambdaErrorsHigh",
        BY_KEY["function_errors"],
        "Sum",
        "gt",
        5,
        "15m",
        "ticket",
        "A Lambda function fails",
        no_data_state="OK",
    ),
    AwsAlert(
        "LambdaThrottled",
        BY_KEY["function_throttles"],
        "Sum",
        "gt",
        0,
        "15m",
        "ticket",
        "A Lambda function is throttled: Lambda rejects invocations before they start",
        no_data_state="OK",
    ),
)
