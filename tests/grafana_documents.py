"""Manifests, an in-memory history and sync contexts for tests of Grafana syncs."""

import copy
import datetime
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from apps.monitoring.grafana.client.client import GrafanaApiClient
from apps.monitoring.grafana.client.connection import grafana_connect
from apps.monitoring.grafana.services import SyncContext
from apps.monitoring.grafana.sync.history import MAX_SYNCS, SyncRecord, as_documents, from_documents
from apps.monitoring.grafana.sync.manifest import manifest_from_documents
from apps.monitoring.grafana.sync.objects import Manifest
from apps.monitoring.grafana.sync.placeholders import PlaceholderValues, resolve_placeholders
from tests.fakes.grafana.grafana import FakeGrafana
from tests.fakes.grafana.server import DirectAdapter, direct_client

NOW = datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC)
VALUES = PlaceholderValues(
    {"ANDEN_GRAFANA_PROMETHEUS_URL": "http://prometheus:9090"}, {"ANDEN_GRAFANA_PAGER_KEY": "first-secret"}
)

Documents = dict[str, Any]


def panel(number: int, title: str = "Lag", expr: str = "max(lag)") -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": title,
        "description": "Records behind.",
        "datasource": {"type": "prometheus", "uid": "${prometheus}"},
        "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0},
        "fieldConfig": {
            "defaults": {
                "unit": "short",
                "thresholds": {"mode": "absolute", "steps": [{"color": "green"}, {"color": "red", "value": 10}]},
            }
        },
        "targets": [{"refId": "A", "expr": expr}],
    }


def dashboard(uid: str = "anden-overview", title: str = "Overview", panels: int = 3) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "tags": ["anden"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "links": [{"title": "Fleet", "type": "link", "url": "/d/anden-fleet"}],
        "templating": {"list": [{"name": "dataset", "type": "query", "query": "label_values(dataset)"}]},
        "panels": [panel(number, f"Panel {number}") for number in range(1, panels + 1)],
    }


def rule(uid: str, title: str) -> dict[str, Any]:
    return {
        "uid": uid,
        "title": title,
        "condition": "B",
        "data": [
            {
                "refId": "A",
                "datasourceUid": "anden-prometheus",
                "relativeTimeRange": {"from": 600, "to": 0},
                "model": {"expr": "max(lag)", "refId": "A"},
            },
            {
                "refId": "B",
                "datasourceUid": "__expr__",
                "model": {"type": "threshold", "expression": "A", "conditions": [{"evaluator": {"params": [5]}}]},
            },
        ],
        "noDataState": "NoData",
        "execErrState": "Error",
        "for": "5m",
        "labels": {"severity": "page"},
        "annotations": {"summary": "Ingest falls behind"},
    }


FOLDERS = [
    {"uid": "anden-dashboards", "title": "Andén"},
    {"uid": "anden-alerts", "title": "Andén alerts", "parentUid": "anden-dashboards"},
]
DATA_SOURCES = [
    {
        "uid": "anden-prometheus",
        "name": "Andén Prometheus",
        "type": "prometheus",
        "access": "proxy",
        "url": "${ANDEN_GRAFANA_PROMETHEUS_URL}",
        "jsonData": {"httpMethod": "POST", "timeInterval": "30s"},
    }
]
RULES = [
    {
        "folderUid": "anden-alerts",
        "title": "ingest",
        "interval": 60,
        "rules": [rule("anden-lag", "Lag"), rule("anden-stopped", "Stopped")],
    },
    {
        "folderUid": "anden-alerts",
        "title": "api",
        "interval": 60,
        "rules": [{**rule("anden-errors", "Errors"), "for": "60m"}],
    },
]
CONTACT_POINTS = [
    {
        "uid": "anden-pager",
        "name": "anden-pager",
        "type": "pagerduty",
        "settings": {"integrationKey": "${ANDEN_GRAFANA_PAGER_KEY}", "severity": "critical"},
    },
    {"uid": "anden-mail", "name": "anden-mail", "type": "email", "settings": {"addresses": "sre@example.org"}},
]
MUTE_TIMINGS = [
    {
        "name": "anden-weekends",
        "time_intervals": [{"weekdays": ["saturday", "sunday"], "times": [], "location": "UTC"}],
    }
]
POLICY = {
    "receiver": "anden-mail",
    "group_by": ["alertname"],
    "group_wait": "30s",
    "repeat_interval": "240m",
    "routes": [
        {"receiver": "anden-pager", "object_matchers": [["severity", "=", "page"]]},
        {
            "receiver": "anden-mail",
            "object_matchers": [["severity", "=", "ticket"]],
            "mute_time_intervals": ["anden-weekends"],
        },
    ],
}


def documents(**more: Any) -> Documents:
    """Files with every kind of object; keywords replace files in provisioning/, None removes one."""
    provisioning: dict[str, Any] = {
        "folders": FOLDERS,
        "datasources": DATA_SOURCES,
        "alert-rules": RULES,
        "contact-points": CONTACT_POINTS,
        "mute-timings": MUTE_TIMINGS,
        "policy": POLICY,
    }
    files: Documents = {
        f"provisioning/{name}.json": value
        for name, value in {**copy.deepcopy(provisioning), **more}.items()
        if value is not None
    }
    files["overview.json"] = dashboard()
    files["ingest.json"] = dashboard("anden-ingest", "Ingest")
    return files


def manifest(files: Documents | None = None, values: PlaceholderValues = VALUES) -> Manifest:
    return resolve_placeholders(manifest_from_documents(files or documents()), values)[0]


def many(*, folders: int, dashboards: int, rules: int) -> Documents:
    """Files with this many objects, and rules in groups of twenty."""
    made: list[dict[str, Any]] = [{"uid": f"anden-folder-{n}", "title": f"Andén {n}"} for n in range(folders)]
    files = documents(folders=made, **{"alert-rules": None, "policy": None})
    for number in range(dashboards):
        uid = f"anden-board-{number}"
        files[f"{uid}.json"] = dashboard(uid, f"StoredDashboard {number}", panels=10)
        made[number % folders].setdefault("dashboards", []).append(uid)
    groups = [
        {
            "folderUid": f"anden-folder-{group % folders}",
            "title": f"group {group}",
            "interval": 60,
            "rules": [rule(f"anden-rule-{n}", f"Rule {n}") for n in range(group * 20, min(group * 20 + 20, rules))],
        }
        for group in range((rules + 19) // 20)
    ]
    files["provisioning/alert-rules.json"] = groups
    return files


class MemorySyncHistory:
    """Keeps the last syncs in a list, converted through JSON as in the table."""

    def __init__(self) -> None:
        self.rows: list[SyncRecord] = []
        self._next = 1

    def newest(self) -> SyncRecord | None:
        return self.rows[0] if self.rows else None

    def syncs(self) -> Sequence[SyncRecord]:
        return [row for row in self.rows if row.rolled_back_to is None][:MAX_SYNCS]

    def confirm(self, at: datetime.datetime) -> None:
        self.rows[0] = replace(self.rows[0], confirmed_at=at)

    def record(self, synced: SyncRecord) -> None:
        stored = replace(synced, number=self._next, manifest=from_documents(as_documents(synced.manifest)))
        self._next += 1
        self.rows.insert(0, stored)
        kept = [row.number for row in self.syncs()]
        self.rows = [row for row in self.rows if row is stored or row.number in kept]


def run_on(
    fake: FakeGrafana,
    history: MemorySyncHistory | None = None,
    *,
    client: GrafanaApiClient | None = None,
    revision: str = "abc",
) -> SyncContext:
    grafana = grafana_connect(client or direct_client(DirectAdapter(fake)))
    return SyncContext(grafana, history or MemorySyncHistory(), revision, NOW)


def values_with(secrets: Mapping[str, str]) -> PlaceholderValues:
    return PlaceholderValues(VALUES.plain, {**VALUES.secret, **secrets})
