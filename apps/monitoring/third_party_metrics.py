"""Third-party metrics that dashboards use, with their exporters, so that an empty panel has an explanation.

They keep their names and do not follow Andén's conventions.
"""

from collections.abc import Mapping
from typing import Final

from apps.telemetry.metric import Metric

_ROUTES: Final = ("view", "method")
_SECONDS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_STATEMENTS: Final = ("user", "datname", "queryid")
_CONTAINERS: Final = ("container",)

ALERTS: Final = Metric(
    "ALERTS", "1 for each alert that is pending or firing.", "gauge", ("alertname", "alertstate", "severity")
)
UP: Final = Metric("up", "1 when Prometheus reached the target.", "gauge")
SCRAPE_SECONDS: Final = Metric("scrape_duration_seconds", "Seconds that the scrape took.", "gauge")
SCRAPE_SAMPLES: Final = Metric("scrape_samples_scraped", "Samples that the target gave.", "gauge")

RULES_SECONDS: Final = Metric(
    "prometheus_rule_group_last_duration_seconds", "Seconds of a group's last evaluation.", "gauge", ("rule_group",)
)
RULES_INTERVAL: Final = Metric(
    "prometheus_rule_group_interval_seconds", "Seconds between a group's evaluations.", "gauge", ("rule_group",)
)
RULES_FAILED: Final = Metric(
    "prometheus_rule_evaluation_failures_total", "Evaluations of rules that failed.", "counter", ("rule_group",)
)
HEAD_SERIES: Final = Metric("prometheus_tsdb_head_series", "Series in memory.", "gauge")
RESIDENT: Final = Metric("process_resident_memory_bytes", "Memory of the process.", "gauge")
CPU_SECONDS: Final = Metric("process_cpu_seconds_total", "CPU time of the process.", "counter")

NOTIFICATIONS: Final = Metric(
    "alertmanager_notifications_total", "Notifications attempted, by integration.", "counter", ("integration",)
)
NOTIFICATIONS_FAILED: Final = Metric(
    "alertmanager_notifications_failed_total", "Notifications that failed.", "counter", ("integration", "reason")
)

VIEW_SECONDS: Final = Metric(
    "django_http_requests_latency_seconds_by_view_method",
    "Request duration by view, middleware included.",
    "histogram",
    _ROUTES,
    _SECONDS,
)
VIEW_RESPONSES: Final = Metric(
    "django_http_responses_total_by_status_view_method_total",
    "Responses by status and view.",
    "counter",
    ("status", *_ROUTES),
)
VIEW_EXCEPTIONS: Final = Metric(
    "django_http_exceptions_total_by_view_total", "Exceptions that no view handled.", "counter", ("view",)
)

PG_UP: Final = Metric("pg_up", "1 when postgres_exporter reached PostgreSQL.", "gauge")
PG_CALLS: Final = Metric("pg_stat_statements_calls_total", "Executions of a statement.", "counter", _STATEMENTS)
PG_SECONDS: Final = Metric(
    "pg_stat_statements_seconds_total", "Seconds inside PostgreSQL by statement.", "counter", _STATEMENTS
)
PG_BLOCK_READ: Final = Metric(
    "pg_stat_statements_block_read_seconds_total", "Seconds that a statement read blocks.", "counter", _STATEMENTS
)
PG_BLOCK_WRITE: Final = Metric(
    "pg_stat_statements_block_write_seconds_total", "Seconds that a statement wrote blocks.", "counter", _STATEMENTS
)
PG_CONNECTIONS: Final = Metric("pg_stat_database_numbackends", "Connections by database.", "gauge", ("datname",))
PG_MAX_CONNECTIONS: Final = Metric("pg_settings_max_connections", "Maximum number of connections.", "gauge")
PG_DEADLOCKS: Final = Metric("pg_stat_database_deadlocks", "Deadlocks by database.", "counter", ("datname",))
PG_HITS: Final = Metric("pg_stat_database_blks_hit", "Blocks found in memory.", "counter", ("datname",))
PG_READS: Final = Metric("pg_stat_database_blks_read", "Blocks read from disk.", "counter", ("datname",))
PG_SIZE: Final = Metric("pg_database_size_bytes", "Size of a database.", "gauge", ("datname",))

POD_CPU: Final = Metric("container_cpu_usage_seconds_total", "CPU time of a container.", "counter", _CONTAINERS)
POD_MEMORY: Final = Metric("container_memory_working_set_bytes", "Memory of a container.", "gauge", _CONTAINERS)
POD_LIMIT: Final = Metric(
    "kube_pod_container_resource_limits", "Resource limit of a container.", "gauge", ("resource", *_CONTAINERS)
)
POD_RESTARTS: Final = Metric(
    "kube_pod_container_status_restarts_total", "Restarts of a container.", "counter", _CONTAINERS
)

# Only alerts read these. They come from kube-state-metrics, the kubelet, and blackbox_exporter, which Andén's charts
# do not install.
DEPLOYMENT_AVAILABLE: Final = Metric(
    "kube_deployment_status_replicas_available", "Pods of a Deployment that are ready.", "gauge", ("deployment",)
)
DEPLOYMENT_REPLICAS: Final = Metric(
    "kube_deployment_spec_replicas", "Pods that a Deployment wants.", "gauge", ("deployment",)
)
VOLUME_AVAILABLE: Final = Metric(
    "kubelet_volume_stats_available_bytes", "Bytes left on a volume.", "gauge", ("persistentvolumeclaim",)
)
VOLUME_CAPACITY: Final = Metric(
    "kubelet_volume_stats_capacity_bytes", "Capacity of a volume, bytes.", "gauge", ("persistentvolumeclaim",)
)
CERTIFICATE_EXPIRY: Final = Metric(
    "probe_ssl_earliest_cert_expiry",
    "When the first certificate of the chain expires, Unix time; from blackbox_exporter.",
    "gauge",
)

EXPORTERS: Final[Mapping[str, tuple[Metric, ...]]] = {
    "Prometheus itself, for every target and rule": (ALERTS, UP, SCRAPE_SECONDS, SCRAPE_SAMPLES),
    "Prometheus's own /metrics, scraped as the job prometheus": (
        RULES_SECONDS,
        RULES_INTERVAL,
        RULES_FAILED,
        HEAD_SERIES,
        RESIDENT,
        CPU_SECONDS,
    ),
    "Alertmanager's own /metrics": (NOTIFICATIONS, NOTIFICATIONS_FAILED),
    "django-prometheus, on Andén's /metrics": (VIEW_SECONDS, VIEW_RESPONSES, VIEW_EXCEPTIONS),
    "postgres_exporter with --collector.stat_statements": (
        PG_UP,
        PG_CALLS,
        PG_SECONDS,
        PG_BLOCK_READ,
        PG_BLOCK_WRITE,
        PG_CONNECTIONS,
        PG_MAX_CONNECTIONS,
        PG_DEADLOCKS,
        PG_HITS,
        PG_READS,
        PG_SIZE,
    ),
    "cAdvisor, by the kubelet": (POD_CPU, POD_MEMORY),
    "kube-state-metrics": (POD_LIMIT, POD_RESTARTS),
}
"""The metrics by their exporter."""
EXPORTER_OF: Final = {metric: exporter for exporter, metrics in EXPORTERS.items() for metric in metrics}
