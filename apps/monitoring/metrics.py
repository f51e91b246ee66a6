"""The metrics of monitoring: how Grafana and the code agree."""

from typing import Final

from apps.telemetry.metric import Metric

LAST_SYNC: Final = Metric(
    "anden_grafana_last_sync_timestamp_seconds",
    "When Grafana was last in step with dashboards and rules, Unix time; 0 where it never was.",
    "gauge",
)
SYNC_REQUESTS: Final = Metric(
    "anden_grafana_requests_total",
    "Requests to Grafana, by method and class of status (error: no answer).",
    "counter",
    labels=("method", "status"),
)
DRIFTED: Final = Metric(
    "anden_grafana_drifted_bool", "1 for each object in Grafana that was edited by hand.", "gauge", labels=("uid",)
)
