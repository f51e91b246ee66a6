"""AWS: the shared resources, from CloudWatch."""

from typing import Final

from apps.cloudwatch.catalogue.catalogue import BY_KEY
from apps.cloudwatch.metrics import CLOUDWATCH_VALUE
from apps.monitoring.dashboards.aws import aws_lines
from apps.monitoring.dashboards.model import (
    Column,
    Dashboard,
    Link,
    Panel,
    ResourceVariable,
    Row,
    Target,
    Unit,
    falling,
    none_of,
    rising,
)
from apps.telemetry.promql import level

GIB: Final = 2**30
CPU: Final = rising(70, 90)
SELF: Final = Link("Andén watches itself", "self")

_DATABASE: Final = Row(
    "Database (RDS)",
    (
        aws_lines(
            "Disk latency", "database_read_latency", "database_write_latency", width=6, scale=rising(0.01, 0.05)
        ),
        aws_lines("Disk operations", "database_read_operations", "database_write_operations", width=6),
        aws_lines("Disk queue", "database_disk_queue", width=6, scale=rising(10, 64)),
        aws_lines("CPU of the database", "database_cpu", width=6, scale=CPU),
        aws_lines("Connections", "database_connections", width=6),
        aws_lines("Free memory", "database_free_memory", width=6, scale=falling(GIB, GIB / 4)),
        aws_lines("Free storage", "database_free_storage", width=6, scale=falling(20 * GIB, 5 * GIB)),
        aws_lines("Disk of the write-ahead log", "database_wal_disk", width=6),
        aws_lines("Transaction ids in use", "database_transaction_ids", width=6, scale=rising(5e8, 1.5e9)),
        aws_lines("Aurora: commit latency", "aurora_commit_latency", width=6, scale=rising(20, 100)),
        aws_lines("Aurora: deadlocks", "aurora_deadlocks", width=6, scale=rising(0.01, 1)),
        aws_lines("Aurora: replica lag", "aurora_replica_lag", width=6, scale=rising(100, 1_000)),
    ),
)

_KAFKA: Final = Row(
    "Kafka (MSK)",
    (
        aws_lines("Lag in time", "kafka_time_lag", width=6, scale=rising(60, 300)),
        aws_lines("Lag in records", "kafka_max_offset_lag", "kafka_sum_offset_lag", width=6),
        aws_lines("Partitions without a leader", "kafka_offline_partitions", width=6, scale=none_of()),
        aws_lines("Under-replicated partitions", "kafka_under_replicated", width=6, scale=rising(1, 10)),
        aws_lines("Active controllers", "kafka_active_controllers", width=6),
        aws_lines("Disk of the brokers", "kafka_disk_used", width=6, scale=rising(70, 85)),
        aws_lines("CPU of the brokers", "kafka_cpu_user", "kafka_cpu_system", width=6, scale=rising(40, 60)),
        aws_lines("Bytes through the brokers", "kafka_bytes_in", "kafka_bytes_out", width=6),
    ),
)

_BALANCER: Final = Row(
    "Load balancer (ALB)",
    (
        aws_lines("Requests at the balancer", "balancer_requests", width=6),
        aws_lines("Response time of targets", "balancer_response_time", width=6, scale=rising(0.25, 0.5)),
        aws_lines("Server errors", "balancer_target_errors", "balancer_own_errors", width=6, scale=rising(1, 10)),
        aws_lines("Targets", "balancer_healthy_hosts", "balancer_unhealthy_hosts", width=6),
    ),
)

_GATEWAY: Final = Row(
    "API Gateway",
    (
        aws_lines("HTTP API: requests", "gateway_requests", width=6),
        aws_lines("HTTP API: latency", "gateway_latency", width=6, scale=rising(250, 500)),
        aws_lines("HTTP API: integration", "gateway_integration_latency", width=6, scale=rising(250, 500)),
        aws_lines("HTTP API: errors", "gateway_client_errors", "gateway_server_errors", width=6),
        aws_lines("REST API: requests", "rest_requests", width=6),
        aws_lines("REST API: latency", "rest_latency", width=6, scale=rising(250, 500)),
        aws_lines("REST API: integration", "rest_integration_latency", width=6, scale=rising(250, 500)),
        aws_lines("REST API: share of errors", "rest_client_errors", "rest_server_errors", width=6, unit=Unit.RATIO),
    ),
)

_FUNCTION: Final = Row(
    "Lambda",
    (
        aws_lines("Invocations", "function_invocations", width=8),
        aws_lines("Failed invocations", "function_errors", width=8, scale=rising(1, 10)),
        aws_lines("Throttled invocations", "function_throttles", width=8, scale=rising(1, 10)),
        aws_lines("Duration of the handler", "function_duration", width=8),
        aws_lines("Concurrent executions", "function_concurrency", width=8),
        aws_lines("Kafka lag of the function", "function_offset_lag", width=8),
    ),
)

_CLUSTER: Final = Row(
    "Cluster (EKS, Container Insights)",
    (
        aws_lines("Nodes", "cluster_nodes", width=6),
        aws_lines("Failed nodes", "cluster_failed_nodes", width=6, scale=none_of()),
        aws_lines("CPU of nodes", "node_cpu", width=6, scale=CPU),
        aws_lines("Memory of nodes", "node_memory", width=6, scale=CPU),
        aws_lines("Disk of nodes", "node_filesystem", width=6, scale=rising(70, 85)),
        aws_lines("CPU of pods, of their limit", "pod_cpu", width=6, scale=CPU),
        aws_lines("Memory of pods, of their limit", "pod_memory", width=6, scale=CPU),
        aws_lines("Restarts of containers", "pod_restarts", width=6),
    ),
)

_CERTIFICATE: Final = Row(
    "Certificates (ACM)",
    (aws_lines("Days until a certificate ends", "certificate_days", width=24, scale=falling(30, 21)),),
)

_COLLECTED: Final = Row(
    "What Andén collected",
    (
        Panel(
            "Collected points",
            "The newest point of every metric that Andén's collector asks CloudWatch for, in the metric's own unit. "
            "A metric that is not here had no point: that is not zero.",
            "table",
            Unit.COUNT,
            (
                Target(
                    level(CLOUDWATCH_VALUE, by=("resource", "metric", "statistic")),
                    "{{resource}} {{metric}}",
                    instant=True,
                ),
            ),
            24,
            columns=(
                Column("resource", "Resource"),
                Column("metric", "Metric"),
                Column("statistic", "Statistic"),
                Column("value", "Value", Unit.COUNT),
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
    "Are the resources of AWS that everything stands on well?",
    (_DATABASE, _KAFKA, _BALANCER, _GATEWAY, _FUNCTION, _CLUSTER, _CERTIFICATE, _COLLECTED),
    variables=(
        ResourceVariable("database", "RDS instance", BY_KEY["database_cpu"], "DBInstanceIdentifier"),
        ResourceVariable("kafka", "MSK cluster", BY_KEY["kafka_active_controllers"], "Cluster Name"),
        ResourceVariable("balancer", "Load balancer", BY_KEY["balancer_requests"], "LoadBalancer"),
        ResourceVariable("function", "Function", BY_KEY["function_invocations"], "FunctionName"),
        ResourceVariable("cluster", "Cluster", BY_KEY["cluster_nodes"], "ClusterName"),
    ),
    details=(Link("Station", "station"), Link("Database", "database"), SELF),
)
