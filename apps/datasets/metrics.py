"""The metrics of datasets: whether beat lives, and how far the ledger and the contracts reach."""

from typing import Final

from apps.telemetry.metric import Metric

BEAT: Final = Metric(
    "anden_datasets_beat_timestamp_seconds",
    "When a worker last got the heartbeat that beat sends every minute, Unix time.",
    "gauge",
)
LEDGER_PARTITIONS_END: Final = Metric(
    "anden_datasets_ledger_partitions_end_timestamp_seconds",
    "Until when the ledger has days that were made beforehand, Unix time.",
    "gauge",
)
CONTRACT_END: Final = Metric(
    "anden_datasets_contract_end_timestamp_seconds",
    "When the last month that the dataset's contract allows ends, Unix time; absent where it names none.",
    "gauge",
    labels=("dataset",),
)
