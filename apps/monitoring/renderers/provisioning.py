"""The folders and data sources that the pages stand on.

Two texts are placeholders, which the synchronisation fills before it sends them: the address of Prometheus is
another in each cluster, and so is the region. No secret is among them: Grafana reads CloudWatch as what it runs as.
"""

import json
from typing import Final

from apps.monitoring.dashboards.model import UID_PREFIX

PROMETHEUS: Final = f"{UID_PREFIX}prometheus"
CLOUDWATCH: Final = f"{UID_PREFIX}cloudwatch"
PROMETHEUS_URL: Final = "${ANDEN_GRAFANA_PROMETHEUS_URL}"
"""Stands for settings.GRAFANA.prometheus_url."""
REGION: Final = "${ANDEN_CLOUDWATCH_REGION}"
"""Stands for the region of settings.CLOUDWATCH; in CloudWatch's own dashboards, too."""
DASHBOARDS_FOLDER: Final = f"{UID_PREFIX}pages"
ALERTS_FOLDER: Final = f"{UID_PREFIX}alerts"
SCRAPE_INTERVAL: Final = "30s"
"""What Grafana takes four of for the window of a rate."""

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
    """The folders as JSON; dashboards lie in the first one."""
    return as_json(({"uid": DASHBOARDS_FOLDER, "title": "Andén"}, {"uid": ALERTS_FOLDER, "title": "Andén alerts"}))


def as_json(value: object) -> str:
    """Indented JSON with sorted keys and a last newline: the same bytes everywhere."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
