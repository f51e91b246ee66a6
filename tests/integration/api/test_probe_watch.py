"""`manage.py probe --every` continues during an outage, exports metrics and stops on SIGTERM."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from prometheus_client.multiprocess import MultiProcessCollector

from apps.api.metrics import PROBE_CHECKS, PROBE_LAST_RUN
from apps.api.probe.checks import CHECKS, Probe, ProbeResponse, Unreachable
from apps.api.probe.services import probe_run
from apps.telemetry import prometheus

ROOT = Path(__file__).parents[3]
WITHIN_S = 60.0


def values(folder: Path) -> dict[tuple[str, tuple[str, ...]], float]:
    """The samples in the process's metric files, by name and label values."""
    paths = [str(path) for path in folder.glob("*.db") if path.stat().st_size]
    families = MultiProcessCollector.merge(paths)  # type: ignore[no-untyped-call]
    return {(sample.name, tuple(sample.labels.values())): sample.value for one in families for sample in one.samples}


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
        "ANDEN_MONITORING_METRICS_FOLDER": str(tmp_path / "metrics"),
    }
    words = ("--url", "http://127.0.0.1:1", "--key", "anything", "--every", "0.1", "--no-color")
    command = [sys.executable, "-m", "django", "probe", *words]
    with subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_it_repeats_exports_metrics_and_stops_on_sigterm(watching: subprocess.Popen[str], tmp_path: Path) -> None:
    assert watching.stdout is not None
    began = time.time()
    lines = [watching.stdout.readline() for _ in range(3)]
    assert all(line.startswith("FAILED  healthz") for line in lines)
    found = values(tmp_path / "metrics")
    assert found[PROBE_CHECKS.name, ("healthz", "failed")] >= 2
    assert found[PROBE_CHECKS.name, ("healthz", "passed")] == 0
    # Every check is initialized, so that increase() sees its first failure.
    assert {labels for name, labels in found if name == PROBE_CHECKS.name} == {
        (check, outcome) for check, _ in CHECKS for outcome in ("passed", "failed")
    }
    assert found[PROBE_LAST_RUN.name, ()] >= began - 1
    watching.send_signal(signal.SIGTERM)
    assert watching.wait(WITHIN_S) == 0


def test_a_run_counts_each_check_by_its_outcome() -> None:
    def fetch(method: str, path: str, *, key: str | None = None, body: bytes | None = None) -> ProbeResponse:
        if path == "/readyz":
            raise Unreachable("no response")
        return ProbeResponse(200, b"")

    def counted(check: str, outcome: str) -> float:
        return float(prometheus.counter(PROBE_CHECKS).labels(check, outcome)._value.get())

    before = counted("healthz", "passed"), counted("readyz", "failed"), counted("row", "failed")
    ended = [outcome.name for outcome in probe_run(Probe(fetch, "key", "flights"), lambda: 0.0, lambda: 7.0)]
    after = counted("healthz", "passed"), counted("readyz", "failed"), counted("row", "failed")
    assert ended == ["healthz", "readyz"]
    assert tuple(new - old for new, old in zip(after, before, strict=True)) == (1, 1, 0)
    assert prometheus.gauge(PROBE_LAST_RUN)._value.get() == 7.0


@pytest.mark.parametrize("name", ["every", "timeout"])
@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf"])
def test_invalid_durations_are_rejected(name: str, seconds: str) -> None:
    with pytest.raises(CommandError, match=f"--{name} must be above 0"):
        call_command("probe", "--key", "anything", f"--{name}", seconds)


def test_a_key_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(CommandError, match="key: it is not text"):
        call_command("probe", "--key-file", str(tmp_path / "key"))
