"""`manage.py fleet …`: its output, its refusals, and a simulated fleet from end to end."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from django.core.management.base import CommandError

from apps.fleet.engine.evaluation import SHIFTED_WITH_ZONE, ServiceState
from apps.fleet.exporters.registry import FLEET_COLLECTOR
from apps.fleet.management.commands import fleet as fleet_command
from apps.fleet.metrics import FLEET_STATE
from apps.fleet.models.fleet import FleetEvaluation, FleetService
from apps.fleet.models.incidents import Incident
from apps.fleet.services.simulation import SimulatedFleetWriter
from apps.fleet.services.source import signal_queries
from apps.fleet.simulation import FleetSpec, SimulatedFleet
from apps.fleet.sources.file_source import FileSource
from apps.telemetry.errors import SourceRefused, SourceUnavailable
from tests.station import Station

ROOT = Path(__file__).parents[3]
Fleet = Callable[..., str]
AT = ("--at", "2026-01-07T12:00:00")
"""Noon on a Wednesday: the same fleet at each run, which a fleet of now would not be."""


@pytest.fixture
def never_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """An evaluation as of AT counts as current."""
    monkeypatch.setattr(settings, "FLEET", settings.FLEET.model_copy(update={"stale_after_s": 1e10}))
    monkeypatch.setattr(FLEET_COLLECTOR, "_stale_after_s", 1e10)


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_only_the_simulated_faulty_service_is_found(station: Station, tmp_path: Path, fleet: Fleet, seed: int) -> None:
    folder = tmp_path / "fleet"
    output = fleet("simulate", "--once", *AT, "--seed", seed, "--file", folder, "--fault", "level:payments:slow:3")
    assert output == f"50 services in {folder}/, including their past; faults: level:payments:slow:3\n"
    found = json.loads(fleet("evaluate", "--source", "file", *AT, "--file", folder, "--json"))
    assert {flag["service"] for flag in found["flags"]} == {"payments"}
    assert found["services"] == {"ok": 49, "outlier": 1, "no_data": 0, "learning": 0}
    assert found["stored"]


@pytest.mark.parametrize(
    ("fault", "state", "events"),
    [
        ("gap:mail:*:1", ServiceState.NO_DATA, 0),
        ("step:mail:latency_p95:4", ServiceState.OUTLIER, 0),
        ("noisy:mail:latency_p95:12", ServiceState.OUTLIER, 0),
        ("fleet:*:latency_p95:1.8", ServiceState.OK, 1),
    ],
)
def test_each_kind_of_fault_is_reported_as_itself(
    station: Station, tmp_path: Path, fleet: Fleet, fault: str, state: ServiceState, events: int
) -> None:
    fleet("simulate", "--once", *AT, "--seed", 7, "--file", tmp_path / "fleet", "--fault", fault)
    found = json.loads(fleet("evaluate", "--source", "file", *AT, "--file", tmp_path / "fleet", "--json"))
    assert FleetService.objects.get(name="mail").state == state
    assert len(found["events"]) == events
    assert found["services"]["ok"] >= 49


@pytest.mark.usefixtures("never_too_old")
def test_the_report_is_readable(station: Station, tmp_path: Path, fleet: Fleet) -> None:
    fleet("simulate", "--once", *AT, "--file", tmp_path / "fleet", "--fault", "level:payments:latency_p95:3")
    lines = fleet("evaluate", "--source", "file", *AT, "--file", tmp_path / "fleet").splitlines()
    assert lines[0].startswith("Fleet of 50 services at ")
    assert lines[2:6] == ["  ok             49", "  outlier         1", "  no data         0", "  learning        0"]
    assert "payments" in lines[8]
    assert "times its baseline" in lines[9]
    assert lines[-1].startswith("Read ")
    listed = fleet("list").splitlines()
    assert listed[0].split() == ["Service", "Zone", "State", "Score", "In", "state", "since"]
    assert listed[1].split()[:3] == ["payments", "a", "outlier"]
    assert len(listed) == 51
    shown = fleet("show", "payments")
    assert "Latency p95" in shown
    assert "times its baseline" in shown
    assert shown.count("\n") == 12
    evaluated = FleetEvaluation.objects.get()
    found, data = (f"{at:%Y-%m-%d %H:%M}" for at in (FleetService.objects.get(name="payments").since, evaluated.at))
    assert shown.startswith(f"payments  outlier: detected {found}, deviating since ")
    began = datetime.fromtimestamp(evaluated.flags[0]["since_s"], UTC)
    assert f"deviating since {began:%Y-%m-%d %H:%M} UTC\n" in shown
    assert f"Since {began:%H:%M} UTC" in shown.splitlines()[-1]
    assert f", last data {data} UTC" in shown
    value, baseline = re.findall(r"\((.*?), baseline (.*?)\)", shown)[0]
    (row,) = [line for line in shown.splitlines() if "Latency p95" in line]
    assert re.split(r" {2,}", row.strip())[1:3] == [value, baseline]
    assert set(json.loads(fleet("show", "mail", "--json"))["signals"]) == {
        *("request_rate", "error_ratio", "latency_p95", "database_read", "database_write", "saturation")
    }
    assert len(json.loads(fleet("list", "--json"))) == 50


@pytest.mark.usefixtures("never_too_old")
def test_a_zone_that_shifts_is_named_once_without_its_members(station: Station, tmp_path: Path, fleet: Fleet) -> None:
    fleet(
        "simulate", "--once", *AT, "--services", 150, "--file", tmp_path / "fleet", "--fault", "zone:a:database_read:2"
    )
    output = fleet("evaluate", "--source", "file", *AT, "--file", tmp_path / "fleet")
    assert re.search(r"^  zone a +50 services: use --json to list them$", output, re.MULTILINE), output
    families = {family.name: family for family in FLEET_COLLECTOR.collect()}
    states = [sample.value for sample in families[FLEET_STATE.name].samples]
    assert states.count(SHIFTED_WITH_ZONE) == 50
    assert states.count(ServiceState.OUTLIER) == output.count(" score ")
    assert output.count(" score ") <= 1
    assert Incident.objects.get(kind="zone").subject == "a"


def test_the_printed_queries_can_be_read_back(tmp_path: Path, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "signals.yaml"
    path.write_text("service_label: app\nsignals: {saturation: null}\nzones: {query: up, label: az}\ndeployed: born\n")
    monkeypatch.setattr(settings, "FLEET", settings.FLEET.model_copy(update={"signals": path}))
    before = signal_queries(path)
    path.write_text(fleet("queries"))
    assert signal_queries(path) == before
    assert "saturation" not in before.signals


def test_stale_evaluations_are_shown_as_no_data(
    station: Station, tmp_path: Path, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet("simulate", "--once", "--file", tmp_path / "fleet")
    fleet("evaluate", "--source", "file", "--file", tmp_path / "fleet")
    monkeypatch.setattr(settings, "FLEET", settings.FLEET.model_copy(update={"stale_after_s": -1}))
    assert {row["state"] for row in json.loads(fleet("list", "--json"))} == {"no_data"}
    assert "The fleet has not been evaluated since" in fleet("show", "mail")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("evaluate", "--source", "file"), "the source `file` requires --file or ANDEN_FLEET_FILE"),
        (("evaluate", "--source", "file", "--file", "/no/such.csv"), "/no/such.csv does not exist"),
        (("evaluate", "--source", "file", "--file", "x", "--at", "noon"), "--at noon: not ISO 8601"),
        (("evaluate", "--source", "file", "--file", "x", "--every", "0"), "--every needs at least 1 second"),
        (("evaluate", "--source", "prometheus"), "Prometheus at http://prometheus:9090 does not respond"),
        (("show", "outsider"), "unknown service 'outsider'"),
        (("simulate", "--file", "b.csv"), "b.csv: the simulation writes a folder of .npz files: drop the suffix .csv"),
        (("simulate", "--file", "x", "--fault", "zone:zz:slow:2"), "'zz' is neither a zone nor a service; zo"),
        (("simulate",), "no output folder: pass --file FOLDER or set ANDEN"),
        (("simulate", "--file", "x", "--services", "0"), "--services 0: must be 1 to 20,000"),
        (("simulate", "--file", "x", "--every", "nan"), "--every nan: must be at least 1 second"),
        (("simulate", "--file", "x", "--at", "2026-03-01"), "--at requires --once"),
        (("simulate", "--file", "x", "--once", "--at", "noon"), "--at noon: not ISO 8601"),
        (("simulate", "--file", "x", "--fault", "mail"), "--fault: 'mail' is not KIND:SERVICE:SIGNAL:FACTOR[:AFTER]"),
        (("simulate", "--file", "x", "--fault", "levl:mail:slow:2"), "unknown kind 'levl': did you mean level?"),
        (
            ("simulate", "--file", "x", "--fault", "level:payment:slow:2"),
            "unknown service 'payment': did you mean pay",
        ),
        (("simulate", "--file", "x", "--fault", "level:mail:speed:2"), "unknown signal 'speed': "),
        (("simulate", "--file", "x", "--fault", "level:mail:slow:0"), "the factor 0 must be above 0"),
        (("simulate", "--file", "x", "--fault", "level:mail:slow:x"), "'x' is not a number for factor"),
        (("simulate", "--file", "x", "--fault", "level:mail:slow:2:soon"), "'soon' is not a number for after"),
    ],
)
def test_errors_print_one_line(station: Station, fleet: Fleet, words: tuple[str, ...], complaint: str) -> None:
    with pytest.raises(CommandError) as caught:
        fleet(*words)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not Path("x").exists()


def test_a_source_error_is_raised_while_another_evaluator_runs(station: Station, fleet: Fleet) -> None:
    with station.connect("default") as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended('anden fleet evaluation', 0))")
        with pytest.raises(CommandError, match="does not respond") as caught:
            fleet("evaluate", "--source", "prometheus")
    assert "nother process" not in str(caught.value)


def test_startup_waits_for_a_file_for_a_limited_time(
    station: Station, tmp_path: Path, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = threading.Event()

    def failed(*_args: object, **_named: object) -> None:
        leave.set()
        raise SourceUnavailable("still nothing")

    monkeypatch.setattr(fleet_command, "_FILE_WAIT_S", 0.5)
    monkeypatch.setattr(fleet_command, "_stop_event_on_signals", lambda: leave)
    monkeypatch.setattr(fleet_command, "fleet_evaluate", failed)
    lines = fleet("evaluate", "--source", "file", "--file", tmp_path / "fleet", "--every", 1).splitlines()
    assert len(lines) == 2
    assert lines[0].endswith("fleet does not exist yet: waiting up to 0 s")
    assert lines[1].endswith("SourceUnavailable: still nothing")


def test_a_folder_with_other_files_is_refused(station: Station, tmp_path: Path, fleet: Fleet) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(
        CommandError, match=r"contains thesis.txt, which is not from a simulation: choose another folder"
    ):
        fleet("simulate", "--once", *AT, "--file", tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_folder_of_another_simulation_is_refused(station: Station, tmp_path: Path, fleet: Fleet) -> None:
    living = SimulatedFleetWriter(SimulatedFleet(FleetSpec(services=3), 1), tmp_path / "fleet", settings.FLEET.span())
    living.start(1_800_000_000)
    with pytest.raises(
        CommandError, match=r"another simulation is writing .*fleet: choose another folder with --file"
    ):
        fleet("simulate", "--once", *AT, "--file", tmp_path / "fleet")
    assert living.write(1_800_000_060) >= 1
    del living
    output = fleet("simulate", "--once", *AT, "--file", tmp_path / "fleet")
    assert output.startswith("50 services"), "a finished simulation releases its folder"


def test_a_deleted_folder_ends_the_simulation_with_one_line(tmp_path: Path) -> None:
    living = SimulatedFleetWriter(SimulatedFleet(FleetSpec(services=3), 1), tmp_path / "fleet", settings.FLEET.span())
    living.start(1_800_000_000)
    shutil.rmtree(tmp_path / "fleet")
    with pytest.raises(SourceRefused, match="cannot be written: No such file"):
        living.write(1_800_000_060)


def test_a_simulation_writes_new_hours_and_keeps_the_past_it_needs(tmp_path: Path) -> None:
    span = settings.FLEET.span()
    living = SimulatedFleetWriter(SimulatedFleet(FleetSpec(services=3, gaps=0), 1), tmp_path / "fleet", span)
    source = FileSource(tmp_path / "fleet", span)
    living.start(1_800_000_060)
    assert living.write(1_800_000_120) == 1, "only the current hour"
    for at_s in (1_800_000_120, 1_800_003_600, 1_800_007_260, 1_800_000_000 + 30 * 3600):
        living.write(at_s)
        found = source.observe(at_s)
        assert np.isfinite(found.now).all()
        assert np.isfinite(found.past).all()
    kept = len(list((tmp_path / "fleet").iterdir()))
    living.write(1_800_000_000 + 20 * 86_400)
    assert len(list((tmp_path / "fleet").iterdir())) <= kept, "older files are removed"


@contextmanager
def _running(*words: str, environment: dict[str, str]) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A process of the command and its output; killed at the end if it still runs."""
    log = Path(environment["ANDEN_FLEET_FILE"]).parent / f"{'-'.join(words[:2])}.log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=out,
            text=True,
        ) as process,
    ):
        try:
            yield process, log
        finally:
            process.kill()


def _page(log: Path) -> str:
    """The metrics at the URL that the process printed."""
    url = log.read_text().split("metrics at ")[1].split()[0]
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - a local URL
        return str(answer.read().decode())


def _until(condition: Callable[[], bool], process: "subprocess.Popen[str]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def test_repeated_evaluation_of_a_simulation_survives_a_kill(station: Station, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "ANDEN_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9",
        "ANDEN_FLEET_SOURCE": "file",
        "ANDEN_FLEET_FILE": str(tmp_path / "fleet"),
        "ANDEN_MONITORING_METRICS_FOLDER": str(tmp_path / "metrics"),
        "PYTHONUNBUFFERED": "1",
    }
    simulated = ("fleet", "simulate", "--every", "1", "--port", "0", "--fault", "level:payments:slow:3")
    with _running("fleet", "evaluate", "--every", "1", environment=environment) as (early, early_log):
        _until(lambda: "does not exist yet: waiting" in early_log.read_text(), early, early_log)
        with _running(*simulated, environment=environment) as (living, log):
            _until(lambda: "metrics at" in log.read_text(), living, log)
            assert 'db_client_operation_duration_seconds_count{service_name="mail"' in _page(log)
            _until(lambda: bool(re.search("outliers: .*payments", early_log.read_text())), early, early_log)
            assert not FleetEvaluation.objects.exclude(outcome=FleetEvaluation.OK).exists()
            # A manual evaluation meanwhile stores nothing.
            seen = subprocess.run(
                [sys.executable, "manage.py", "fleet", "evaluate"],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert seen.stdout.rstrip().endswith("not stored: another process is evaluating the fleet."), seen.stderr
            early.kill()
            early.wait()
            # Another process exports it, and continues after the evaluator is gone, until it is stale.
            with _running("metrics", "serve", "--port", "0", environment=environment) as (serving, serving_log):
                _until(lambda: "metrics at" in serving_log.read_text(), serving, serving_log)
                exported = _page(serving_log)
            assert 'anden_fleet_service_state{service="payments"} 1.0' in exported
            assert "anden_fleet_last_evaluation_timestamp_seconds" in exported
            assert 'anden_fleet_evaluations_total{outcome="ok"}' in exported
            good = FleetEvaluation.objects.filter(outcome=FleetEvaluation.OK)
            kept = good.count()
            with _running("fleet", "evaluate", "--every", "1", environment=environment) as (next_one, next_log):
                _until(lambda: good.count() > kept + 1, next_one, next_log)
                next_one.send_signal(signal.SIGTERM)
                assert next_one.wait(20) == 0
            living.send_signal(signal.SIGTERM)
            assert living.wait(20) == 0
    assert Incident.objects.filter(subject="payments").count() <= 1
    assert "Traceback" not in early_log.read_text() + log.read_text()
