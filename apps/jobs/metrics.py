"""The metrics of jobs."""

from typing import Final

from apps.telemetry.metric import Metric

JOBS: Final = Metric(
    "anden_background_jobs", "Jobs that are queued, running or failed, by state.", "gauge", labels=("state",)
)
JOBS_WAITING: Final = Metric(
    "anden_background_jobs_oldest_waiting_timestamp_seconds",
    "Since when the job of this kind that waits longest could run, Unix time; absent where none waits.",
    "gauge",
    labels=("kind",),
)
