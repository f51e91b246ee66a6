"""Metrics of ingest: throughput, rejects, durations and lag."""

from typing import Final

from apps.telemetry.metric import Metric

RECORDS: Final = Metric(
    "anden_ingest_records_total", "Records committed, rows and rejects.", "counter", labels=("dataset",)
)
BYTES: Final = Metric("anden_ingest_bytes_total", "Bytes of committed record values.", "counter", labels=("dataset",))
BATCHES: Final = Metric("anden_ingest_batches_total", "Transactions committed.", "counter", labels=("dataset",))
REJECTS: Final = Metric(
    "anden_ingest_rejects_total",
    "Records that did not become rows, by reason; late_dropped counts those a contract discards.",
    "counter",
    labels=("dataset", "reason"),
)
FAILURES: Final = Metric(
    "anden_ingest_failures_total",
    "Batches rolled back and read again, by error class: an expected error of ingest, or a bug.",
    "counter",
    labels=("error",),
)
PHASE_SECONDS: Final = Metric(
    "anden_ingest_phase_seconds",
    "Duration of a chunk or batch by phase: poll, decode, copy, commit.",
    "histogram",
    labels=("phase",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
STOPPED: Final = Metric(
    "anden_ingest_stopped_sources",
    "Sources stopped because of inconsistent state; an operator must intervene.",
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
    "Seconds since the slowest position was the end of its partition; 0 at the end.",
    "gauge",
    labels=("dataset",),
)
HELD_BACK_RECORDS: Final = Metric(
    "anden_ingest_held_back_records",
    "Records in Kafka that cannot be read until an open transaction ends; not part of the lag.",
    "gauge",
    labels=("dataset",),
)
HELD_BACK_SECONDS: Final = Metric(
    "anden_ingest_held_back_seconds",
    "Seconds since the oldest open transaction holds records back; 0 if none does.",
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
    "anden_ingest_lag_last_success_timestamp_seconds", "Unix time of the last successful measurement of lag.", "gauge"
)
