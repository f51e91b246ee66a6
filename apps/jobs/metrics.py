"""Metrics of background jobs."""

from typing import Final

from apps.telemetry.metric import Metric

JOBS: Final = Metric("anden_background_jobs", "Queued, running and failed jobs, by state.", "gauge", labels=("state",))
JOBS_WAITING: Final = Metric(
    "anden_background_jobs_oldest_waiting_timestamp_seconds",
    "When the longest-waiting job of this kind became due, Unix time; absent if no job is waiting.",
    "gauge",
    labels=("kind",),
)
