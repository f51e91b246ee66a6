"""The metrics of monitoring: how Grafana and the code agree."""

from typing import Final

from apps.telemetry.metric import Metric

SYNCED: Final = Metric(
    "anden_dashboards_synced_timestamp_seconds",
    "When Grafana was last in step with dashboards and rules, Unix time; 0 where it never was.",
    "gauge",
)
SYNC_REQUESTS: Final = Metric(
    "anden_dashboards_requests_total",
    "Requests to Grafana, by method and class of status (error: no answer).",
    "counter",
    labels=("method", "status"),
)
DRIFTED: Final = Metric(
    "anden_dashboards_drifted_info", "1 for each object in Grafana that was edited by hand.", "gauge", labels=("uid",)
)
