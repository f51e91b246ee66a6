"""Alertmanager takes the configuration, sends each alert where its severity says, and keeps no secret."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
import yaml

from apps.monitoring.core.alerts.aws import AWS_ALERTS
from apps.monitoring.core.alerts.catalogue import ALERTS
from apps.monitoring.core.alerts.routing import INHIBITIONS, RECEIVERS
from embedded.ports import free_port

CONFIGURATION = Path(__file__).parents[4] / "dashboards/alertmanager/alertmanager.yaml"
UP_WITHIN_S = 30.0
PROGRAM = "prometheus-alertmanager"


Amtool = Callable[..., str]


@pytest.fixture(scope="session")
def amtool(require: Callable[[str], str]) -> Amtool:
    """What amtool says to words."""
    program = require("amtool")

    def say(*words: str) -> str:
        done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return say


def test_amtool_takes_the_configuration(amtool: Amtool) -> None:
    assert "SUCCESS" in amtool("check-config", str(CONFIGURATION))


NAMED = sorted({(alert.name, alert.severity) for alert in ALERTS} | {(one.name, one.severity) for one in AWS_ALERTS})


@pytest.mark.parametrize(("name", "severity"), NAMED)
def test_each_alert_goes_where_its_severity_says(name: str, severity: str, amtool: Amtool) -> None:
    labels = (f"alertname={name}", f"severity={severity}")
    assert amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", *labels).strip() == severity


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["severity=critical"], "page"),
        (["severity=warning"], "ticket"),
        (["severity=info"], "nobody"),
        (["severity=none", "alertname=Watchdog"], "nobody"),
        (["alertname=SomebodyElses"], "ticket"),
    ],
)
def test_alerts_of_others_find_their_way(labels: list[str], receiver: str, amtool: Amtool) -> None:
    told = amtool("config", "routes", "test", f"--config.file={CONFIGURATION}", *labels)
    assert told.strip() == receiver


def test_no_secret_stands_in_the_configuration() -> None:
    document = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    for receiver in document["receivers"]:
        for entries in (value for name, value in receiver.items() if name != "name"):
            for entry in entries:
                secrets = [name for name in entry if re.search(r"key|url|token|password", name)]
                assert [name for name in secrets if not name.endswith("_file") and name != "title_link"] == []
    assert {receiver.name for receiver in RECEIVERS} == {one["name"] for one in document["receivers"]}


def test_tickets_alone_wait_for_monday() -> None:
    document = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    waiting = {route["receiver"]: route.get("mute_time_intervals") for route in document["route"]["routes"]}
    assert waiting == {"nobody": None, "page": None, "ticket": ["weekends"]}
    (weekends,) = document["time_intervals"]
    assert weekends == {"name": "weekends", "time_intervals": [{"weekdays": ["saturday", "sunday"]}]}


def test_every_alert_that_silences_or_is_silenced_exists() -> None:
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
    told = {
        window
        for text in matchers
        if text.startswith("window")
        for window in text.split("=", 1)[1].lstrip("~").strip('"').split("|")
    }
    assert told == windows


# A real Alertmanager: which alerts it would speak of.


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory, require: Callable[[str], str]) -> Iterator[str]:
    """The address of a running one, with our configuration."""
    program = require(PROGRAM)
    folder = tmp_path_factory.mktemp("alertmanager")
    secrets = folder / "secrets"
    secrets.mkdir()
    text = CONFIGURATION.read_text(encoding="utf-8").replace("/etc/alertmanager/secrets", str(secrets))
    (folder / "alertmanager.yaml").write_text(text, encoding="utf-8")
    (secrets / "slack-url").write_text("http://127.0.0.1:1/", encoding="utf-8")
    (secrets / "pagerduty-routing-key").write_text("nothing", encoding="utf-8")
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
            yield f"http://{address}"
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
    """Send the alerts; the state that each has, by name, window and dataset."""
    sent = requests.post(f"{url}/api/v2/alerts", json=[{"labels": labels} for labels in alerts], timeout=5)
    sent.raise_for_status()
    deadline = time.monotonic() + UP_WITHIN_S
    found: dict[str, str] = {}
    while len(found) < len(alerts) and time.monotonic() < deadline:
        told = requests.get(f"{url}/api/v2/alerts", timeout=5).json()
        ours = [one for one in told if one["labels"] in alerts and one["status"]["state"] != "unprocessed"]
        found = {_called(one["labels"]): one["status"]["state"] for one in ours}
    return found


def _called(labels: dict[str, str]) -> str:
    return " ".join(labels[label] for label in ("alertname", "window", "dataset") if label in labels)


def test_a_fleet_event_silences_single_outliers(alertmanager: str) -> None:
    found = states(
        alertmanager,
        {"alertname": "FleetShifted", "severity": "page", "signal": "latency_p95"},
        {"alertname": "FleetServiceOutlier", "severity": "page", "service": "web-7"},
        {"alertname": "FleetServiceSilent", "severity": "ticket", "service": "web-8"},
    )
    assert found == {"FleetShifted": "active", "FleetServiceOutlier": "suppressed", "FleetServiceSilent": "active"}


def test_the_fastest_burn_speaks_for_the_others_of_its_dataset_alone(alertmanager: str) -> None:
    def burn(dataset: str, window: str, severity: str) -> dict[str, str]:
        labels = {"alertname": "RejectsBurn", "slo": "rejects", "severity": severity}
        return {**labels, "dataset": dataset, "window": window}

    found = states(
        alertmanager,
        burn("flights", "1h/5m", "page"),
        burn("flights", "6h/30m", "page"),
        burn("flights", "3d/6h", "ticket"),
        burn("weather", "6h/30m", "page"),
    )
    assert found == {
        "RejectsBurn 1h/5m flights": "active",
        "RejectsBurn 6h/30m flights": "suppressed",
        "RejectsBurn 3d/6h flights": "suppressed",
        "RejectsBurn 6h/30m weather": "active",
    }
