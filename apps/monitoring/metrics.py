"""The metrics of the Grafana sync."""

from typing import Final

from apps.telemetry.metric import Metric

LAST_SYNC: Final = Metric(
    "anden_grafana_last_sync_timestamp_seconds",
    "When Grafana last matched the committed dashboards and rules, Unix time; 0 if never.",
    "gauge",
)
SYNC_REQUESTS: Final = Metric(
    "anden_grafana_requests_total",
    "Requests to Grafana, by method and status class (error: no response).",
    "counter",
    labels=("method", "status"),
)
DRIFTED: Final = Metric(
    "anden_grafana_drifted_bool", "1 for each object edited by hand in Grafana.", "gauge", labels=("uid",)
)
