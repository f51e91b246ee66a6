"""Alert tables are consistent: names, windows, texts, dashboards, and the rendered files."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from apps.cloudwatch.catalogue.catalogue import BY_KEY
from apps.monitoring.alerts.alert import Alert, RecordingRule, runbook_name
from apps.monitoring.alerts.aws import AWS_ALERTS, AwsAlert
from apps.monitoring.alerts.burn import WINDOW_PAIRS
from apps.monitoring.alerts.catalogue import ALERTS, RULE_FILES
from apps.monitoring.alerts.processes import PROCESS_ROLES
from apps.monitoring.alerts.slos import COUNTED, PERIOD, SLOS, WINDOWS, burn, event_count, window_seconds
from apps.monitoring.dashboards.definitions import DASHBOARDS
from apps.monitoring.renderers.alertmanager_yaml import alertmanager_files
from apps.monitoring.renderers.grafana_alerts import grafana_alert_files
from apps.monitoring.renderers.prometheus_yaml import rule_files
from apps.telemetry.metric import Metric

ROOT = Path(__file__).parents[4]
RENDERED = {**rule_files(), **alertmanager_files(), **grafana_alert_files()}
LABEL = re.compile(r"\$labels\.(\w+)")


@pytest.mark.parametrize("path", RENDERED)
def test_committed_file_equals_rendered_file(path: str) -> None:
    assert (ROOT / "dashboards" / path).read_text(encoding="utf-8") == RENDERED[path]


def test_rendering_is_independent_of_process_and_hash_seed() -> None:
    program = (
        "import hashlib\n"
        "from tests.unit.monitoring.alerts.test_catalogue import RENDERED\n"
        "print(hashlib.sha256(repr(sorted(RENDERED.items())).encode()).hexdigest())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


def test_alert_names_are_unique_except_for_rules_per_window_pair_objective_or_process() -> None:
    counts = Counter([*(alert.name for alert in ALERTS), *(alert.name for alert in AWS_ALERTS)])
    shared = {f"{slo.alert}ErrorBudgetBurn": len(WINDOW_PAIRS) for slo in SLOS} | {
        "SloDataMissing": len(SLOS),
        "ProcessDown": len(PROCESS_ROLES) - 1,
    }
    assert {name: count for name, count in counts.items() if count > 1} == shared


def test_series_are_recorded_before_they_are_read() -> None:
    rules = [rule for groups in RULE_FILES.values() for group in groups for rule in group.rules]
    recorded = [rule.metric for rule in rules if isinstance(rule, RecordingRule)]
    known: set[Metric] = set()
    for rule in rules:
        assert {metric for metric in rule.expr.metrics if metric in recorded} <= known
        if isinstance(rule, RecordingRule):
            known.add(rule.metric)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name} {dict(alert.labels).get('window', '')}")
def test_alert_texts_are_sentences_and_use_only_labels_of_the_alert(alert: Alert) -> None:
    assert alert.expr.metrics
    assert not alert.summary.endswith(".")
    assert alert.description.endswith(".")
    assert len(alert.summary) <= 160
    read = set(LABEL.findall(alert.summary + alert.description)) | set(alert.link_labels)
    has = {label for metric in alert.expr.metrics for label in metric.labels} | {label for label, _ in alert.labels}
    assert read <= has | {"job", "instance", "namespace", "pod"}


def test_every_alert_links_to_an_existing_dashboard() -> None:
    names = {dashboard.name for dashboard in DASHBOARDS}
    assert {alert.dashboard for alert in ALERTS} | {slo.dashboard for slo in SLOS} <= names


def test_dashboards_have_the_variables_that_alerts_pass() -> None:
    variables = {each.name: {str(getattr(variable, "name", "")) for variable in each.variables} for each in DASHBOARDS}
    assert {
        (alert.name, label)
        for alert in ALERTS
        for label in alert.link_labels
        if label not in variables[alert.dashboard]
    } == set()


def test_windows_of_every_pair_are_recorded_and_the_short_one_is_a_twelfth() -> None:
    for pair in WINDOW_PAIRS:
        assert {pair.long, pair.short} <= set(WINDOWS)
        assert pair.long in COUNTED
        assert window_seconds(pair.long) == 12 * window_seconds(pair.short)


def test_window_without_a_recorded_series_raises() -> None:
    with pytest.raises(ValueError, match="4h"):
        burn("4h")
    with pytest.raises(ValueError, match="5m"):
        event_count("5m")


def test_every_burn_factor_is_reachable() -> None:
    # With a budget of a tenth, a burn rate of 14.4 is impossible and the alert could never fire.
    assert {slo.name for slo in SLOS for pair in WINDOW_PAIRS if pair.factor * slo.budget >= 1} == set()
    assert window_seconds(PERIOD) == 30 * 86_400


def test_runbook_name_is_the_alert_name_in_kebab_case() -> None:
    assert runbook_name("IngestLagGrowing") == "ingest-lag-growing"
    assert runbook_name("RdsTransactionIdsHigh") == "rds-transaction-ids-high"


# Grafana-managed rules.


def rules() -> list[dict[str, Any]]:
    groups = json.loads(RENDERED["grafana/provisioning/alert-rules.json"])
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["title"]))
def test_grafana_rule_queries_reduces_and_compares(rule: dict[str, Any]) -> None:
    assert rule["uid"] == f"anden-{runbook_name(rule['title'])}"
    assert len(rule["uid"]) <= 40
    points, newest, beyond = rule["data"]
    assert [step["refId"] for step in rule["data"]] == ["A", "B", "C"]
    assert points["datasourceUid"] == "anden-cloudwatch"
    assert {step["datasourceUid"] for step in (newest, beyond)} == {"__expr__"}
    assert newest["model"]["expression"] == "A"
    assert beyond["model"]["expression"] == "B"
    assert rule["condition"] == "C"
    # Data points arrive late: look back more than the period plus ten minutes.
    assert points["relativeTimeRange"]["from"] >= int(points["model"]["period"]) + 600


def test_no_data_is_ok_only_for_counts_and_metrics_that_some_resources_lack() -> None:
    absent = {alert.metric.key for alert in AWS_ALERTS if alert.no_data_state == "OK"}
    assert all(
        "Sum" in BY_KEY[key].statistics or "do not" in BY_KEY[key].caveat or "only" in BY_KEY[key].caveat
        for key in absent
    )


def test_statistic_that_the_catalogue_does_not_read_raises() -> None:
    with pytest.raises(ValueError, match="RdsWrong"):
        AwsAlert("RdsWrong", BY_KEY["database_cpu"], "p99", "gt", 1, "5m", "page", "Nothing")


def test_policy_names_existing_contact_points_and_mute_timings() -> None:
    points = {one["name"] for one in json.loads(RENDERED["grafana/provisioning/contact-points.json"])}
    times = {one["name"] for one in json.loads(RENDERED["grafana/provisioning/mute-timings.json"])}
    policy = json.loads(RENDERED["grafana/provisioning/policy.json"])
    routes = [policy, *policy["routes"]]
    assert {route["receiver"] for route in routes} <= points
    assert {name for route in routes for name in route.get("mute_time_intervals", ())} <= times
    assert all(name.startswith("anden-") for name in points | times)
