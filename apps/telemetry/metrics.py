"""Metrics of telemetry: time spent waiting for PostgreSQL, and the fate of spans."""

from typing import Final

from apps.telemetry.metric import Metric

DATABASE_SECONDS: Final = Metric(
    "anden_database_operation_seconds",
    "Seconds that callers waited for PostgreSQL, by operation; COPY and server-side cursors included.",
    "histogram",
    labels=("alias", "operation"),
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
DATABASE_ERRORS: Final = Metric(
    "anden_database_errors_total",
    "Operations that failed in PostgreSQL or lost their connection, by SQLSTATE class.",
    "counter",
    labels=("alias", "operation", "sqlstate_class"),
)
OUT_OF_RESOURCES: Final = "53"
"""The SQLSTATE class "insufficient resources": disk, memory or connections."""


SPANS: Final = Metric(
    "anden_tracing_spans_total",
    "Spans by outcome: sent; refused by the collector, or not delivered; dropped because the queue was full.",
    "counter",
    labels=("outcome",),
)
