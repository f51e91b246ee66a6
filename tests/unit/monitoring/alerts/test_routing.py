"""Alertmanager accepts the configuration, routes alerts by severity, and the file contains no secrets."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from apps.monitoring.alerts.aws import AWS_ALERTS
from apps.monitoring.alerts.catalogue import ALERTS
from apps.monitoring.alerts.routing import INHIBITIONS, RECEIVERS
from embedded.ports import free_port

CONFIGURATION = Path(__file__).parents[4] / "dashboards/alertmanager/alertmanager.yaml"
UP_WITHIN_S = 30.0
PROGRAM = "prometheus-alertmanager"


Amtool = Callable[..., str]


@pytest.fixture(scope="session")
def amtool(require: Callable[[str], str]) -> Amtool:
    """Runs amtool with arguments and returns its output."""
    program = require("amtool")

    def run(*words: str) -> str:
        done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_amtool_accepts_the_configuration(amtool: Amtool) -> None:
    assert "SUCCESS" in amtool("check-config", str(CONFIGURATION))


NAMED = sorted({(alert.name, alert.severity) for alert in ALERTS} | {(one.name, one.severity) for one in AWS_ALERTS})


@pytest.mark.parametrize(("name", "severity"), NAMED)
def test_each_alert_is_routed_by_its_severity(name: str, severity: str, amtool: Amtool) -> None:
    labels = (f"alertname={name}", f"severity={severity}")
    assert amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", *labels).strip() == severity


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["severity=critical"], "page"),
        (["severity=warning"], "ticket"),
        (["severity=info"], "null"),
        (["severity=none", "alertname=Watchdog"], "null"),
        (["alertname=ThirdParty"], "ticket"),
    ],
)
def test_third_party_alerts_are_routed(labels: list[str], receiver: str, amtool: Amtool) -> None:
    output = amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", *labels)
    assert output.strip() == receiver


def test_configuration_contains_no_secret() -> None:
    document = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    for receiver in document["receivers"]:
        for entries in (value for name, value in receiver.items() if name != "name"):
            for entry in entries:
                secrets = [name for name in entry if re.search(r"key|url|token|password", name)]
                assert [name for name in secrets if not name.endswith("_file") and name != "title_link"] == []
    assert {receiver.name for receiver in RECEIVERS} == {one["name"] for one in document["receivers"]}


def test_only_tickets_are_muted_on_weekends() -> None:
    document = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    muted = {route["receiver"]: route.get("mute_time_intervals") for route in document["route"]["routes"]}
    assert muted == {"null": None, "page": None, "ticket": ["weekends"]}
    (weekends,) = document["time_intervals"]
    assert weekends == {"name": "weekends", "time_intervals": [{"weekdays": ["saturday", "sunday"]}]}


def test_inhibitions_name_existing_alerts_and_windows() -> None:
    known = {alert.name for alert in ALERTS}
    matchers = [text for rule in INHIBITIONS for text in (*rule.source, *rule.target)]
    named = {
        name
        for text in matchers
        if text.startswith("alertname")
        for name in text.split("=", 1)[1].lstrip("~").strip('"').split("|")
    }
    assert named <= known
    windows = {value for alert in ALERTS for label, value in alert.labels if label == "window"}
    named_windows = {
        window
        for text in matchers
        if text.startswith("window")
        for window in text.split("=", 1)[1].lstrip("~").strip('"').split("|")
    }
    assert named_windows == windows


# A real Alertmanager: which alerts it notifies about.


@dataclass
class Running:
    """A running Alertmanager with Andén's configuration, and its notifications as (path, body)."""

    url: str
    delivered: list[tuple[str, dict[str, Any]]]

    def first(self, path: str, word: str) -> dict[str, Any]:
        """The first notification to the path that contains the word."""
        deadline = time.monotonic() + UP_WITHIN_S
        while time.monotonic() < deadline:
            for where, body in list(self.delivered):
                if where == path and word in str(body):
                    return body
            time.sleep(0.05)
        return pytest.fail(f"no notification with {word} arrived at {path}: {self.delivered}")


@pytest.fixture(scope="module")
def webhook() -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """The URL of a server that accepts every notification, and what it received."""
    received: list[tuple[str, dict[str, Any]]] = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(202)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Webhook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def alertmanager(
    tmp_path_factory: pytest.TempPathFactory,
    require: Callable[[str], str],
    webhook: tuple[str, list[tuple[str, dict[str, Any]]]],
) -> Iterator[Running]:
    """A running Alertmanager with Andén's configuration, except for secrets, PagerDuty's URL and waiting times."""
    program = require(PROGRAM)
    listener, received = webhook
    folder = tmp_path_factory.mktemp("alertmanager")
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "slack-url").write_text(f"{listener}/slack", encoding="utf-8")
    (secrets / "pagerduty-routing-key").write_text("a-key", encoding="utf-8")
    document = yaml.safe_load(CONFIGURATION.read_text("utf-8").replace("/etc/alertmanager/secrets", str(secrets)))
    document["global"] = {"pagerduty_url": f"{listener}/pagerduty"}
    document["route"]["group_wait"] = "1s"  # long enough for all alerts of one request
    document["time_intervals"][0]["time_intervals"] = [{"years": ["1970"]}]
    (folder / "alertmanager.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    words = (
        f"--config.file={folder / 'alertmanager.yaml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    )
    with (folder / "log").open("w") as log, subprocess.Popen([program, *words], stdout=log, stderr=log) as process:
        try:
            _wait_until_ready(f"http://{address}", process)
            yield Running(f"http://{address}", received)
        finally:
            process.kill()


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"{url}/-/ready", timeout=1).raise_for_status()
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    pytest.fail("Alertmanager did not start")


def states(url: str, *alerts: dict[str, str]) -> dict[str, str]:
    """Send the alerts and return the state of each, by name, window and dataset."""
    sent = requests.post(f"{url}/api/v2/alerts", json=[{"labels": labels} for labels in alerts], timeout=5)
    sent.raise_for_status()
    deadline = time.monotonic() + UP_WITHIN_S
    found: dict[str, str] = {}
    while len(found) < len(alerts) and time.monotonic() < deadline:
        listed = requests.get(f"{url}/api/v2/alerts", timeout=5).json()
        sent_ones = [one for one in listed if one["labels"] in alerts and one["status"]["state"] != "unprocessed"]
        found = {_called(one["labels"]): one["status"]["state"] for one in sent_ones}
    return found


def _called(labels: dict[str, str]) -> str:
    return " ".join(labels[label] for label in ("alertname", "window", "dataset") if label in labels)


def test_fleet_wide_shift_inhibits_single_outliers(alertmanager: Running) -> None:
    found = states(
        alertmanager.url,
        {"alertname": "FleetWideShift", "severity": "page", "signal": "latency_p95"},
        {"alertname": "FleetServiceOutlier", "severity": "page", "service": "web-7"},
        {"alertname": "FleetServiceNoData", "severity": "ticket", "service": "web-8"},
    )
    assert found == {"FleetWideShift": "active", "FleetServiceOutlier": "suppressed", "FleetServiceNoData": "active"}


def test_fastest_burn_inhibits_slower_ones_of_the_same_dataset_only(alertmanager: Running) -> None:
    def burn(dataset: str, window: str, severity: str) -> dict[str, str]:
        labels = {"alertname": "IngestRejectsErrorBudgetBurn", "slo": "rejects", "severity": severity}
        return {**labels, "dataset": dataset, "window": window}

    found = states(
        alertmanager.url,
        burn("flights", "1h/5m", "page"),
        burn("flights", "6h/30m", "page"),
        burn("flights", "3d/6h", "ticket"),
        burn("weather", "6h/30m", "page"),
    )
    assert found == {
        "IngestRejectsErrorBudgetBurn 1h/5m flights": "active",
        "IngestRejectsErrorBudgetBurn 6h/30m flights": "suppressed",
        "IngestRejectsErrorBudgetBurn 3d/6h flights": "suppressed",
        "IngestRejectsErrorBudgetBurn 6h/30m weather": "active",
    }


def test_process_down_inhibits_its_consequences(alertmanager: Running) -> None:
    def down(role: str) -> dict[str, str]:
        return {"alertname": "ProcessDown", "severity": "ticket", "role": role, "dataset": role}

    found = states(
        alertmanager.url,
        {"alertname": "WebDown", "severity": "page"},
        {"alertname": "ScrapeTargetDown", "severity": "ticket", "job": "anden-web", "dataset": "web"},
        {"alertname": "ScrapeTargetDown", "severity": "ticket", "job": "anden-metrics", "dataset": "metrics"},
        {"alertname": "ProbeErrorBudgetBurn", "severity": "page", "slo": "probe-success"},
        down("beat"),
        down("ingest"),
        down("fleet"),
        {"alertname": "BeatHeartbeatMissing", "severity": "ticket"},
        {"alertname": "FleetEvaluationStale", "severity": "ticket"},
    )
    assert found == {
        "WebDown": "active",
        "ScrapeTargetDown web": "suppressed",
        "ScrapeTargetDown metrics": "active",
        "ProbeErrorBudgetBurn": "active",
        "ProcessDown beat": "active",
        "ProcessDown ingest": "active",
        "ProcessDown fleet": "active",
        "BeatHeartbeatMissing": "suppressed",
        "FleetEvaluationStale": "suppressed",
    }


def test_all_targets_down_inhibits_process_alerts(alertmanager: Running) -> None:
    found = states(
        alertmanager.url,
        {"alertname": "AllTargetsDown", "severity": "page"},
        {"alertname": "WebDown", "severity": "page", "job": "anden-web"},
        {"alertname": "ProcessDown", "severity": "ticket", "role": "lag"},
        {"alertname": "IngestSourceStopped", "severity": "page", "dataset": "flights"},
    )
    assert found == {
        "AllTargetsDown": "active",
        "WebDown": "suppressed",
        "ProcessDown": "suppressed",
        "IngestSourceStopped flights": "active",
    }


def _alert(alert: str, service: str, severity: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": alert, "severity": severity, "service": service},
        "annotations": {
            "summary": f"{service} deviates",
            "description": f"{service} is slow.",
            "runbook_url": "https://runbooks.example/x.md",
            "dashboard_url": f"https://grafana.example/d/anden-service?var-service={service}",
        },
    }


def _send(url: str, *alerts: dict[str, Any]) -> None:
    requests.post(f"{url}/api/v2/alerts", json=list(alerts), timeout=5).raise_for_status()


def test_page_arrives_with_summary_runbook_and_dashboard(alertmanager: Running) -> None:
    _send(alertmanager.url, _alert("OneAlone", "web-1", "page"))
    body = alertmanager.first("/pagerduty", "web-1")
    assert body["routing_key"] == "a-key"
    assert body["payload"]["summary"] == "web-1 deviates"
    assert body["payload"]["custom_details"]["runbook"] == "https://runbooks.example/x.md"
    assert "var-service=web-1" in body["payload"]["custom_details"]["description"]


def test_several_alerts_become_one_notification_with_their_number(alertmanager: Running) -> None:
    _send(alertmanager.url, *(_alert("ManyAtOnce", f"web-{number}", "ticket") for number in range(2, 5)))
    (attachment,) = alertmanager.first("/slack", "ManyAtOnce")["attachments"]
    assert attachment["title"] == "ManyAtOnce: 3 alerts, the first: web-2 deviates"
    assert attachment["title_link"] == "https://runbooks.example/x.md"
    assert all(f"var-service=web-{number}" in attachment["text"] for number in range(2, 5))
