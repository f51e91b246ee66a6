"""Metrics of datasets: beat's heartbeat, and how far the ledger and the contracts reach."""

from typing import Final

from apps.telemetry.metric import Metric

BEAT: Final = Metric(
    "anden_datasets_beat_timestamp_seconds",
    "Last time a worker received beat's heartbeat, sent every minute, Unix time.",
    "gauge",
)
LEDGER_PARTITIONS_END: Final = Metric(
    "anden_datasets_ledger_partitions_end_timestamp_seconds",
    "End of the last ledger partition that exists, Unix time.",
    "gauge",
)
CONTRACT_END: Final = Metric(
    "anden_datasets_contract_end_timestamp_seconds",
    "End of the last month the dataset's contract allows, Unix time; absent if it names none.",
    "gauge",
    labels=("dataset",),
)
