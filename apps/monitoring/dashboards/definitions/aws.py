"""AWS: shared resources, from CloudWatch."""

from typing import Final

from apps.cloudwatch.catalogue.catalogue import BY_KEY
from apps.cloudwatch.metrics import CLOUDWATCH_VALUE
from apps.monitoring.dashboards.aws_panels import aws_timeseries
from apps.monitoring.dashboards.model import (
    Dashboard,
    DashboardLink,
    Panel,
    PanelQuery,
    PanelRow,
    ResourceVariable,
    TableColumn,
    Unit,
    falling,
    rising,
    zero_expected,
)
from apps.telemetry.promql import level

GIB: Final = 2**30
CPU: Final = rising(70, 90)
SELF: Final = DashboardLink("Self-monitoring", "self")

_DATABASE: Final = PanelRow(
    "Database (RDS)",
    (
        aws_timeseries(
            "Disk latency", "database_read_latency", "database_write_latency", width=6, thresholds=rising(0.01, 0.05)
        ),
        aws_timeseries("Disk operations", "database_read_operations", "database_write_operations", width=6),
        aws_timeseries("Disk queue", "database_disk_queue", width=6, thresholds=rising(10, 64)),
        aws_timeseries("Database CPU", "database_cpu", width=6, thresholds=CPU),
        aws_timeseries("Connections", "database_connections", width=6),
        aws_timeseries("Free memory", "database_free_memory", width=6, thresholds=falling(GIB, GIB / 4)),
        aws_timeseries("Free storage", "database_free_storage", width=6, thresholds=falling(20 * GIB, 5 * GIB)),
        aws_timeseries("Write-ahead log storage", "database_wal_disk", width=6),
        aws_timeseries("Transaction IDs in use", "database_transaction_ids", width=6, thresholds=rising(5e8, 1.5e9)),
        aws_timeseries("Aurora: commit latency", "aurora_commit_latency", width=6, thresholds=rising(20, 100)),
        aws_timeseries("Aurora: deadlocks", "aurora_deadlocks", width=6, thresholds=rising(0.01, 1)),
        aws_timeseries("Aurora: replica lag", "aurora_replica_lag", width=6, thresholds=rising(100, 1_000)),
    ),
)

_KAFKA: Final = PanelRow(
    "Kafka (MSK)",
    (
        aws_timeseries("Lag in time", "kafka_time_lag", width=6, thresholds=rising(60, 300)),
        aws_timeseries("Lag in records", "kafka_max_offset_lag", "kafka_sum_offset_lag", width=6),
        aws_timeseries("Partitions without a leader", "kafka_offline_partitions", width=6, thresholds=zero_expected()),
        aws_timeseries("Under-replicated partitions", "kafka_under_replicated", width=6, thresholds=rising(1, 10)),
        aws_timeseries("Active controllers", "kafka_active_controllers", width=6),
        aws_timeseries("Broker disk", "kafka_disk_used", width=6, thresholds=rising(70, 85)),
        aws_timeseries("Broker CPU", "kafka_cpu_user", "kafka_cpu_system", width=6, thresholds=rising(40, 60)),
        aws_timeseries("Broker traffic", "kafka_bytes_in", "kafka_bytes_out", width=6),
    ),
)

_BALANCER: Final = PanelRow(
    "Load balancer (ALB)",
    (
        aws_timeseries("Load balancer requests", "balancer_requests", width=6),
        aws_timeseries("Target response time", "balancer_response_time", width=6, thresholds=rising(0.25, 0.5)),
        aws_timeseries(
            "Server errors", "balancer_target_errors", "balancer_own_errors", width=6, thresholds=rising(1, 10)
        ),
        aws_timeseries("Targets", "balancer_healthy_hosts", "balancer_unhealthy_hosts", width=6),
    ),
)

_GATEWAY: Final = PanelRow(
    "API Gateway",
    (
        aws_timeseries("HTTP API: requests", "gateway_requests", width=6),
        aws_timeseries("HTTP API: latency", "gateway_latency", width=6, thresholds=rising(250, 500)),
        aws_timeseries("HTTP API: integration", "gateway_integration_latency", width=6, thresholds=rising(250, 500)),
        aws_timeseries("HTTP API: errors", "gateway_client_errors", "gateway_server_errors", width=6),
        aws_timeseries("REST API: requests", "rest_requests", width=6),
        aws_timeseries("REST API: latency", "rest_latency", width=6, thresholds=rising(250, 500)),
        aws_timeseries("REST API: integration", "rest_integration_latency", width=6, thresholds=rising(250, 500)),
        aws_timeseries("REST API: error ratio", "rest_client_errors", "rest_server_errors", width=6, unit=Unit.RATIO),
    ),
)

_FUNCTION: Final = PanelRow(
    "Lambda",
    (
        aws_timeseries("Invocations", "function_invocations", width=8),
        aws_timeseries("Failed invocations", "function_errors", width=8, thresholds=rising(1, 10)),
        aws_timeseries("Throttled invocations", "function_throttles", width=8, thresholds=rising(1, 10)),
        aws_timeseries("Handler duration", "function_duration", width=8),
        aws_timeseries("Concurrent executions", "function_concurrency", width=8),
        aws_timeseries("Kafka lag of the function", "function_offset_lag", width=8),
    ),
)

_CLUSTER: Final = PanelRow(
    "Cluster (EKS, Container Insights)",
    (
        aws_timeseries("Nodes", "cluster_nodes", width=6),
        aws_timeseries("Failed nodes", "cluster_failed_nodes", width=6, thresholds=zero_expected()),
        aws_timeseries("Node CPU", "node_cpu", width=6, thresholds=CPU),
        aws_timeseries("Node memory", "node_memory", width=6, thresholds=CPU),
        aws_timeseries("Node disk", "node_filesystem", width=6, thresholds=rising(70, 85)),
        aws_timeseries("Pod CPU, share of limit", "pod_cpu", width=6, thresholds=CPU),
        aws_timeseries("Pod memory, share of limit", "pod_memory", width=6, thresholds=CPU),
        aws_timeseries("Container restarts", "pod_restarts", width=6),
    ),
)

_CERTIFICATE: Final = PanelRow(
    "Certificates (ACM)",
    (aws_timeseries("Days until a certificate expires", "certificate_days", width=24, thresholds=falling(30, 21)),),
)

_COLLECTED: Final = PanelRow(
    "Collected by Andén",
    (
        Panel(
            "Collected data points",
            "The newest data point of every metric that Andén's collector reads, in the metric's own unit. A missing "
            "metric had no data point, which is not zero.",
            "table",
            Unit.COUNT,
            (
                PanelQuery(
                    level(CLOUDWATCH_VALUE, by=("resource", "metric", "statistic")),
                    "{{resource}} {{metric}}",
                    instant=True,
                ),
            ),
            24,
            columns=(
                TableColumn("resource", "Resource"),
                TableColumn("metric", "Metric"),
                TableColumn("statistic", "Statistic"),
                TableColumn("value", "Value", Unit.COUNT),
            ),
            minimum=None,
            links=(SELF,),
        ),
    ),
    height=12,
)

AWS: Final = Dashboard(
    "aws",
    "Andén · AWS",
    "Are the AWS resources healthy?",
    (_DATABASE, _KAFKA, _BALANCER, _GATEWAY, _FUNCTION, _CLUSTER, _CERTIFICATE, _COLLECTED),
    variables=(
        ResourceVariable("database", "RDS instance", BY_KEY["database_cpu"], "DBInstanceIdentifier"),
        ResourceVariable("kafka", "MSK cluster", BY_KEY["kafka_active_controllers"], "Cluster Name"),
        ResourceVariable("balancer", "Load balancer", BY_KEY["balancer_requests"], "LoadBalancer"),
        ResourceVariable("function", "Function", BY_KEY["function_invocations"], "FunctionName"),
        ResourceVariable("cluster", "Cluster", BY_KEY["cluster_nodes"], "ClusterName"),
    ),
    links=(DashboardLink("Overview", "overview"), DashboardLink("Database", "database"), SELF),
)
