"""Grafana-managed alert rules and their routing, as bodies of its provisioning API.

Grafana notifies Alertmanager, so routes, silences and secrets exist once.
Source: https://grafana.com/docs/grafana/latest/developers/http_api/alerting_provisioning/
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from apps.monitoring.alerts.alert import SEVERITIES
from apps.monitoring.alerts.aws import AWS_ALERTS, AwsAlert
from apps.monitoring.alerts.routing import WEEKENDS
from apps.monitoring.dashboards.model import UID_PREFIX
from apps.monitoring.renderers.provisioning import ALERTS_FOLDER, CLOUDWATCH, as_json

FOLDER: Final = "grafana/provisioning"
ALERTMANAGER_URL: Final = "${ANDEN_GRAFANA_ALERTMANAGER_URL}"
"""Placeholder of settings.GRAFANA.alertmanager_url."""
RUNBOOKS_URL: Final = "${ANDEN_GRAFANA_RUNBOOKS_URL}"
"""Placeholder of settings.GRAFANA.runbooks_url."""
CONTACT_POINT: Final = f"{UID_PREFIX}alertmanager"
MUTE_TIMING: Final = f"{UID_PREFIX}weekends"

_PERIOD_S: Final = 300
_LOOKBACK_S: Final = 1_200
"""CloudWatch's data points arrive late."""
_EXPRESSION: Final = "__expr__"
_TITLES: Final = {
    "database": "RDS",
    "kafka": "MSK",
    "balancer": "Load balancer",
    "gateway": "API Gateway",
    "function": "Lambda",
    "cluster": "EKS",
}


def grafana_alert_files() -> dict[str, str]:
    """Rules, contact points, mute timings and the policy's subtree as JSON, by path below dashboards/."""
    return {
        f"{FOLDER}/alert-rules.json": as_json(list(_groups())),
        f"{FOLDER}/contact-points.json": as_json([_contact_point()]),
        f"{FOLDER}/mute-timings.json": as_json([_weekends()]),
        f"{FOLDER}/policy.json": as_json(_policy()),
    }


def _groups() -> Iterator[dict[str, Any]]:
    for resource, alerts in groupby(AWS_ALERTS, key=lambda alert: alert.metric.resource):
        title = _TITLES[resource]
        yield {
            "folderUid": ALERTS_FOLDER,
            "title": title,
            "interval": 60,
            "rules": [_rule(alert, title) for alert in alerts],
        }


def _rule(alert: AwsAlert, group: str) -> dict[str, Any]:
    return {
        "uid": UID_PREFIX + alert.runbook,
        "orgID": 1,
        "folderUID": ALERTS_FOLDER,
        "ruleGroup": group,
        "title": alert.name,
        "condition": "C",
        "data": [_points(alert), _newest(), _beyond(alert)],
        "noDataState": alert.no_data_state,
        "execErrState": "Error",
        "for": alert.for_,
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "description": f"{alert.metric.title}: {{{{ $values.B.Value | humanize }}}} ({alert.metric.unit}) at "
            f"{{{{ $labels }}}}. {alert.metric.caveat}",
            "runbook_url": f"{RUNBOOKS_URL}/{alert.runbook}.md",
            "dashboard_url": f"{{{{ externalURL }}}}d/{UID_PREFIX}aws",
        },
        "isPaused": False,
    }


def _points(alert: AwsAlert) -> dict[str, Any]:
    metric = alert.metric
    model = {
        "refId": "A",
        "datasource": {"type": "cloudwatch", "uid": CLOUDWATCH},
        "queryMode": "Metrics",
        "metricQueryType": 0,
        "metricEditorMode": 0,
        "region": "default",
        "namespace": metric.namespace,
        "metricName": metric.name,
        "statistic": alert.statistic,
        # Every resource: the rule has one alert instance per resource.
        "dimensions": {name: ["*"] for name in metric.dimensions},
        "matchExact": True,
        "period": str(_PERIOD_S),
        "id": "",
        "expression": "",
        "label": "",
    }
    return {
        "refId": "A",
        "queryType": "",
        "relativeTimeRange": {"from": _LOOKBACK_S, "to": 0},
        "datasourceUid": CLOUDWATCH,
        "model": model,
    }


def _newest() -> dict[str, Any]:
    return _expression("B", {"type": "reduce", "expression": "A", "reducer": "last", "settings": {"mode": "dropNN"}})


def _beyond(alert: AwsAlert) -> dict[str, Any]:
    evaluator = {"type": alert.comparison, "params": [alert.threshold]}
    return _expression("C", {"type": "threshold", "expression": "B", "conditions": [{"evaluator": evaluator}]})


def _expression(name: str, model: dict[str, Any]) -> dict[str, Any]:
    source = {"type": _EXPRESSION, "uid": _EXPRESSION}
    return {
        "refId": name,
        "queryType": "",
        "relativeTimeRange": {"from": 0, "to": 0},
        "datasourceUid": _EXPRESSION,
        "model": {"refId": name, "datasource": source, **model},
    }


def _contact_point() -> dict[str, Any]:
    return {
        "uid": CONTACT_POINT,
        "name": CONTACT_POINT,
        "type": "prometheus-alertmanager",
        "settings": {"url": ALERTMANAGER_URL},
        "disableResolveMessage": False,
    }


def _weekends() -> dict[str, Any]:
    """Mutes tickets on weekends, never pages."""
    return {"name": MUTE_TIMING, "time_intervals": [{"weekdays": list(WEEKENDS), "location": "UTC"}]}


def _policy() -> dict[str, Any]:
    """Andén's subtree of the notification policy; the sync adds its matcher."""
    return {
        "receiver": CONTACT_POINT,
        "group_by": ["alertname"],
        "routes": [_severity_route(severity) for severity in SEVERITIES],
    }


def _severity_route(severity: str) -> dict[str, Any]:
    route = {"receiver": CONTACT_POINT, "object_matchers": [["severity", "=", severity]]}
    return route if severity == "page" else {**route, "mute_time_intervals": [MUTE_TIMING]}
