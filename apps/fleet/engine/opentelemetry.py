"""The PromQL of each signal for services that export OpenTelemetry's semantic conventions to Prometheus.

Source: https://opentelemetry.io/docs/specs/semconv/ (HTTP server, database client, process metrics), with names
translated as in https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/.
"""

from typing import Final

from apps.telemetry.metric import Metric
from apps.telemetry.promql import LabelMatcher, PromqlQuery, compose, count_rate, level, quantile, sum_rate

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
DATABASE_BUCKETS: Final = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)

SERVICE: Final = "service_name"
REQUEST_SECONDS: Final = Metric(
    "http_server_request_duration_seconds",
    "Duration of HTTP server requests.",
    "histogram",
    (SERVICE, "http_response_status_code"),
    BUCKETS,
)
DATABASE_SECONDS: Final = Metric(
    "db_client_operation_duration_seconds",
    "Duration of database client operations.",
    "histogram",
    (SERVICE, "db_operation_name"),
    DATABASE_BUCKETS,
)
CPU: Final = Metric(
    "process_cpu_utilization_ratio",
    "Share of the CPU time that the process may use and does.",
    "gauge",
    (SERVICE,),
)

WINDOW: Final = "5m"
_BY: Final = (SERVICE,)
_FAILED: Final = LabelMatcher("http_response_status_code", "5..", "=~")
_READS: Final = LabelMatcher("db_operation_name", "(?i)(select|find|get|mget|scan|query)", "=~")
_WRITES: Final = LabelMatcher("db_operation_name", "(?i)(insert|update|delete|upsert|merge|copy|set|put)", "=~")


def _error_ratio() -> PromqlQuery:
    """The share of failed requests: 0 without failures, no data without requests."""
    failed = count_rate(REQUEST_SECONDS, _FAILED, by=_BY, window=WINDOW)
    asked = count_rate(REQUEST_SECONDS, by=_BY, window=WINDOW)
    return compose("(({} or 0 * {}) / ({} > 0))", failed, asked, asked)


def _mean(where: LabelMatcher) -> PromqlQuery:
    """The mean duration of an operation, seconds."""
    return compose(
        "({} / ({} > 0))",
        sum_rate(DATABASE_SECONDS, where, by=_BY, window=WINDOW),
        count_rate(DATABASE_SECONDS, where, by=_BY, window=WINDOW),
    )


QUERIES: Final = {
    "request_rate": count_rate(REQUEST_SECONDS, by=_BY, window=WINDOW),
    "error_ratio": _error_ratio(),
    "latency_p95": quantile(0.95, REQUEST_SECONDS, by=_BY, window=WINDOW),
    "database_read": _mean(_READS),
    "database_write": _mean(_WRITES),
    "saturation": level(CPU, by=_BY),
}
"""One query per signal; each returns one series per service."""
