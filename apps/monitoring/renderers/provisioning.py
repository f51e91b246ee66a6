"""The folders and data sources of the dashboards.

Prometheus's URL and the region differ per cluster, so they are placeholders that the sync fills. There is no secret:
Grafana reads CloudWatch with its pod's role.
"""

import json
from typing import Final

from apps.monitoring.dashboards.model import UID_PREFIX

PROMETHEUS: Final = f"{UID_PREFIX}prometheus"
CLOUDWATCH: Final = f"{UID_PREFIX}cloudwatch"
PROMETHEUS_URL: Final = "${ANDEN_GRAFANA_PROMETHEUS_URL}"
"""Placeholder of settings.GRAFANA.prometheus_url."""
REGION: Final = "${ANDEN_CLOUDWATCH_REGION}"
"""Placeholder of the region of settings.CLOUDWATCH, also in CloudWatch dashboards."""
DASHBOARDS_FOLDER: Final = f"{UID_PREFIX}dashboards"
ALERTS_FOLDER: Final = f"{UID_PREFIX}alerts"
SCRAPE_INTERVAL: Final = "30s"
"""Grafana's $__rate_interval is at least four of these."""

DATA_SOURCES: Final = (
    {
        "uid": PROMETHEUS,
        "name": "Andén Prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": PROMETHEUS_URL,
        "isDefault": False,
        "jsonData": {"httpMethod": "POST", "timeInterval": SCRAPE_INTERVAL},
    },
    {
        "uid": CLOUDWATCH,
        "name": "Andén CloudWatch",
        "type": "cloudwatch",
        "access": "proxy",
        "url": "",
        "isDefault": False,
        "jsonData": {"authType": "default", "defaultRegion": REGION},
    },
)


def data_sources_text() -> str:
    """The data sources as JSON, in the fields of Grafana's API."""
    return as_json(DATA_SOURCES)


def folders_text() -> str:
    """The folders as JSON; dashboards go into the first."""
    return as_json(({"uid": DASHBOARDS_FOLDER, "title": "Andén"}, {"uid": ALERTS_FOLDER, "title": "Andén alerts"}))


def as_json(value: object) -> str:
    """Indented JSON with sorted keys and a trailing newline: the same bytes everywhere."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
