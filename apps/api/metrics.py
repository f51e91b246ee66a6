"""Metrics of the API: requests, durations, records, exports and probe checks."""

from typing import Final

from apps.telemetry.metric import Metric

REQUESTS: Final = Metric(
    "anden_api_requests_total",
    "Requests, by dataset (empty if the key has no grant on it), operation, status class and client class.",
    "counter",
    labels=("dataset", "operation", "status", "client_class"),
)
SECONDS: Final = Metric(
    "anden_api_request_duration_seconds",
    "Request duration up to the start of the response, by operation and client class; "
    "excludes the streaming of an export.",
    "histogram",
    labels=("operation", "client_class"),
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
RECORDS: Final = Metric("anden_api_records_total", "Records returned in pages.", "counter", labels=("dataset",))
EXPORT_BYTES: Final = Metric("anden_api_export_bytes_total", "Bytes exported.", "counter", labels=("dataset",))
EXPORTS: Final = Metric(
    "anden_api_exports_total",
    "Finished exports by outcome: completed, failed, disconnected (by the client).",
    "counter",
    labels=("outcome",),
)
PROBE_CHECKS: Final = Metric(
    "anden_api_probe_checks_total",
    "Checks of the external probe, by check and outcome: passed, failed.",
    "counter",
    labels=("check", "outcome"),
)
PROBE_LAST_RUN: Final = Metric(
    "anden_api_probe_last_run_timestamp_seconds", "When the probe last finished its checks, Unix time.", "gauge"
)
