"""Alerts on shared resources of AWS: Grafana evaluates them, because Prometheus does not see CloudWatch itself."""

from dataclasses import dataclass
from typing import Final, Literal

from apps.cloudwatch.catalogue.catalogue import BY_KEY
from apps.cloudwatch.catalogue.metric import AwsMetric
from apps.monitoring.alerts.alert import Severity, runbook_name

GIB: Final = 1024**3


@dataclass(frozen=True, slots=True)
class AwsAlert:
    """One rule over every resource that has the metric.

    `no_data_state` says what no data means: CloudWatch leaves out counts of zero, but never the level of something
    that exists.
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
        """Raises ValueError: the catalogue does not read this statistic of the metric."""
        if self.statistic not in self.metric.statistics:
            raise ValueError(f"{self.name}: {self.metric.key} has {', '.join(self.metric.statistics)}")

    @property
    def runbook(self) -> str:
        """The name of its runbook's file, without .md."""
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
        "A database of RDS has less than 10 GiB of disk left: when it is full, it stops",
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
        "Half of a database's transaction ids are in use: autovacuum does not keep up, and at the end writes stop",
    ),
    AwsAlert(
        "MskPartitionsOffline",
        BY_KEY["kafka_offline_partitions"],
        BY_KEY["kafka_offline_partitions"].statistics[0],
        "gt",
        0,
        "3m",
        "page",
        "Partitions of MSK have no leader: nobody can write to them or read them",
    ),
    AwsAlert(
        "MskPartitionsUnderReplicated",
        BY_KEY["kafka_under_replicated"],
        BY_KEY["kafka_under_replicated"].statistics[0],
        "gt",
        0,
        "30m",
        "ticket",
        "Partitions of MSK have lost copies for half an hour: another broker lost could take records with it",
    ),
    AwsAlert(
        "MskDiskUsageHigh",
        BY_KEY["kafka_disk_used"],
        "Maximum",
        "gt",
        80,
        "30m",
        "ticket",
        "A broker of MSK has used four fifths of its disk: when it is full, it stops",
        no_data_state="OK",  # express brokers have no disk of their own
    ),
    AwsAlert(
        "LoadBalancerErrorsHigh",
        BY_KEY["balancer_own_errors"],
        "Sum",
        "gt",
        20,
        "5m",
        "page",
        "The load balancer itself answers with errors: those requests never reach the API, which counts none of them",
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
        "The load balancer keeps a target out: fewer pods do the work",
    ),
    AwsAlert(
        "ApiGatewayErrorsHigh",
        BY_KEY["gateway_server_errors"],
        "Sum",
        "gt",
        20,
        "5m",
        "page",
        "API Gateway answers third parties with errors",
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
        "A function of Lambda fails",
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
        "A function of Lambda is throttled: its calls are refused before they begin",
        no_data_state="OK",
    ),
)
