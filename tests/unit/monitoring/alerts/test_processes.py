"""Every process of the chart, compose and make run has an alert for when it is down."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from apps.monitoring.alerts.catalogue import ALERTS
from apps.monitoring.alerts.processes import ALL_IN_ONE_JOB, PROCESS_ROLES
from embedded.prometheus import prometheus_process
from tests.unit.monitoring.alerts.thresholds import CASES_BY_FILE

ROOT = Path(__file__).parents[4]
GOLDEN = ROOT / "tests/infra/golden/anden"
ENVIRONMENTS = sorted(path.stem for path in GOLDEN.glob("*.yaml"))


@cache
def documents(environment: str) -> list[dict[str, Any]]:
    text = (GOLDEN / f"{environment}.yaml").read_text(encoding="utf-8")
    return [document for document in yaml.safe_load_all(text) if document]


def rendered(environment: str, kind: str) -> list[dict[str, Any]]:
    """The chart's manifests of this kind."""
    found = [document for document in documents(environment) if document["kind"] == kind]
    assert found, f"{environment} has no {kind}"
    return found


def component(labels: dict[str, str]) -> str:
    return labels["app.kubernetes.io/component"]


def targets(environment: str) -> dict[str, str]:
    """The job of each role's targets: a ServiceMonitor selects Services by label, and these select pods."""
    found = {}
    for monitor in rendered(environment, "ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        for service in rendered(environment, "Service"):
            if not wanted <= service["metadata"]["labels"].items():
                continue
            for deployment in rendered(environment, "Deployment"):
                pod = deployment["spec"]["template"]["metadata"]["labels"]
                if service["spec"]["selector"].items() <= pod.items():
                    found[component(pod)] = service["metadata"]["name"]
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_deployment_is_a_role_and_its_targets_have_the_roles_job(environment: str) -> None:
    metadata = [one["metadata"] for one in rendered(environment, "Deployment")]
    deployed = {component(one["labels"]): one["name"] for one in metadata}
    known = {role.name: role for role in PROCESS_ROLES}
    assert deployed == {name: known[name].deployment for name in deployed if name in known}
    assert {name for name, role in known.items() if not role.optional} <= set(deployed)
    assert targets(environment) == {name: known[name].job for name in deployed}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_target_of_the_chart_has_a_role_label(environment: str) -> None:
    pod = "__meta_kubernetes_pod_label_app_kubernetes_io_component"
    for monitor in rendered(environment, "ServiceMonitor"):
        for endpoint in monitor["spec"]["endpoints"]:
            assert endpoint["relabelings"] == [{"sourceLabels": [pod], "targetLabel": "role"}]


def test_optional_roles_are_those_that_the_chart_can_disable() -> None:
    values = yaml.safe_load((ROOT / "charts/anden/values.yaml").read_text(encoding="utf-8"))
    switches = {name for name, value in values.items() if isinstance(value, dict) and "enabled" in value}
    assert {role.name for role in PROCESS_ROLES if role.optional} == {role.name for role in PROCESS_ROLES} & switches


def test_each_role_has_one_alert_with_cases_and_only_web_pages() -> None:
    alerts = {dict(alert.labels)["role"]: alert for alert in ALERTS if alert.name == "ProcessDown"}
    (web,) = (alert for alert in ALERTS if alert.name == "WebDown")
    assert {"web", *alerts} == {role.name for role in PROCESS_ROLES}
    assert web.severity == "page"
    fired = {labels["role"] for case in CASES_BY_FILE["infrastructure"] for labels in case.fires if "role" in labels}
    assert fired == set(alerts)


def test_compose_and_make_run_scrape_one_job_for_all_metrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    scraped = yaml.safe_load(compose["configs"]["prometheus"]["content"])["scrape_configs"]
    assert [job["job_name"] for job in scraped] == [ALL_IN_ONE_JOB]
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    prometheus_process(tmp_path, 8000)
    here = yaml.safe_load((tmp_path / "prometheus.json").read_text(encoding="utf-8"))["scrape_configs"]
    assert [job["job_name"] for job in here] == [ALL_IN_ONE_JOB, "prometheus"]
