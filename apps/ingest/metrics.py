"""The metrics of ingest: what moved, what was refused, what it cost, and how far behind it is."""

from typing import Final

from apps.telemetry.metric import Metric

RECORDS: Final = Metric(
    "anden_ingest_records_total", "Records committed, rows and rejects alike.", "counter", labels=("dataset",)
)
BYTES: Final = Metric(
    "anden_ingest_bytes_total", "Bytes of the values of committed records.", "counter", labels=("dataset",)
)
BATCHES: Final = Metric("anden_ingest_batches_total", "Transactions committed.", "counter", labels=("dataset",))
REJECTS: Final = Metric(
    "anden_ingest_rejects_total",
    "Records that did not become rows, by reason; late_dropped are those a contract lets go.",
    "counter",
    labels=("dataset", "reason"),
)
FAILURES: Final = Metric(
    "anden_ingest_failures_total",
    "Batches given up and read again, by the error's class: one of ingest's tree, or a defect's.",
    "counter",
    labels=("error",),
)
PHASE_SECONDS: Final = Metric(
    "anden_ingest_phase_seconds",
    "Seconds of a chunk or batch by phase: poll, decode, copy, commit.",
    "histogram",
    labels=("phase",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STOPPED: Final = Metric(
    "anden_ingest_stopped_sources",
    "Sources whose pipeline is stopped because of its state: somebody must look.",
    "gauge",
    labels=("dataset",),
    merge="max",
)
LAG_RECORDS: Final = Metric(
    "anden_ingest_lag_records",
    "Records between the stored positions and the ends of the topic's partitions.",
    "gauge",
    labels=("dataset",),
)
LAG_SECONDS: Final = Metric(
    "anden_ingest_lag_seconds",
    "Seconds since the topic ended where the most backward position stands now; 0 at the end.",
    "gauge",
    labels=("dataset",),
)
FRESHNESS: Final = Metric(
    "anden_ingest_freshness_seconds",
    "Seconds since the last batch of the dataset was committed.",
    "gauge",
    labels=("dataset",),
)
LAG_UP: Final = Metric(
    "anden_ingest_lag_measured_bool", "1 when the last measurement of lag reached Kafka and PostgreSQL.", "gauge"
)
LAG_LAST_SUCCESS: Final = Metric(
    "anden_ingest_lag_last_success_timestamp_seconds", "When lag was last measured, Unix time.", "gauge"
)
