"""The metrics of api: who asks for what, how it ends, how long it takes, and how much leaves."""

from typing import Final

from apps.telemetry.metric import Metric

REQUESTS: Final = Metric(
    "anden_api_requests_total",
    "Requests answered, by dataset (empty where the key reaches none), operation, class of status and of client.",
    "counter",
    labels=("dataset", "operation", "status", "client_class"),
)
SECONDS: Final = Metric(
    "anden_api_request_duration_seconds",
    "Seconds from the key's check to the answer's beginning, by operation and class of client; "
    "an export streams on after it.",
    "histogram",
    labels=("operation", "client_class"),
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
RECORDS: Final = Metric("anden_api_records_total", "Records given out in pages.", "counter", labels=("dataset",))
EXPORT_BYTES: Final = Metric("anden_api_export_bytes_total", "Bytes exported.", "counter", labels=("dataset",))
EXPORTS: Final = Metric(
    "anden_api_exports_total",
    "Exports ended, by whether they were whole, broken off by us, or left by the client.",
    "counter",
    labels=("outcome",),
)
PROBE_CHECKS: Final = Metric(
    "anden_api_probe_checks_total",
    "Checks of the probe from the outside, by check and whether it held: held, failed.",
    "counter",
    labels=("check", "outcome"),
)
PROBE_LAST_RUN: Final = Metric(
    "anden_api_probe_last_run_timestamp_seconds", "When the probe last ended a round of checks, Unix time.", "gauge"
)
