"""Prometheus rule files, rendered from apps/monitoring/alerts."""

from typing import Any, Final

import yaml

from apps.monitoring.alerts.alert import GRAFANA, RUNBOOKS, Alert, RecordingRule, RuleGroup, dashboard_path
from apps.monitoring.alerts.catalogue import RULE_FILES

HEADER: Final = "# Rendered by `make render` from apps/monitoring/alerts: do not edit.\n"
_WIDTH: Final = 110


def rule_files() -> dict[str, str]:
    """The text of each rule file by its path below dashboards/."""
    return {
        f"prometheus/{name}.rules.yaml": as_yaml({"groups": [_group(group) for group in groups]})
        for name, groups in RULE_FILES.items()
    }


def as_yaml(document: object) -> str:
    """YAML with keys in insertion order and the header of rendered files."""
    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return HEADER + text


def annotations(alert: Alert) -> dict[str, str]:
    """The alert's texts and links."""
    return {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": f"{RUNBOOKS}/{alert.runbook}.md",
        "dashboard_url": GRAFANA + dashboard_path(alert.dashboard, alert.link_labels),
    }


def _group(group: RuleGroup) -> dict[str, Any]:
    return {"name": group.name, "interval": group.interval, "rules": [_rule(rule) for rule in group.rules]}


def _rule(rule: Alert | RecordingRule) -> dict[str, Any]:
    if isinstance(rule, RecordingRule):
        made: dict[str, Any] = {"record": rule.metric.name, "expr": rule.expr.text}
        return {**made, "labels": dict(rule.labels)} if rule.labels else made
    return {
        "alert": rule.name,
        "expr": rule.expr.text,
        "for": rule.for_,
        "labels": {"severity": rule.severity, **dict(rule.labels)},
        "annotations": annotations(rule),
    }
