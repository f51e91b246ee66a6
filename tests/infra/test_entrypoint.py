"""platform/entrypoint: the image's script, run with real servers."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command

from embedded.kafka import EmbeddedKafka
from embedded.ports import free_port
from tests.station import Station

ROOT = Path(__file__).parents[2]
ENTRYPOINT = ROOT / "platform/entrypoint"
START_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 60.0

Environment = Mapping[str, str]


@pytest.fixture
def environment(tmp_path: Path, kafka_server: EmbeddedKafka, station: Station) -> Environment:
    """A container's environment, with all files in one directory."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ANDEN_SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
        "ANDEN_KAFKA_BOOTSTRAP_SERVERS": kafka_server.bootstrap,
        "ANDEN_FLEET_SOURCE": "file",
        "ANDEN_FLEET_FILE": str(tmp_path / "fleet"),
        "ANDEN_CELERY_FOLDER": str(tmp_path / "celery"),
        "ANDEN_STATIC_ROOT": str(tmp_path / "static"),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def running(environment: Environment, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Start the process and yield it with its log file; kill it at the end of the block."""
    log = Path(environment["ANDEN_STATIC_ROOT"]).parent / f"{arguments[0]}.log"
    with (
        log.open("w") as out,
        subprocess.Popen(
            [ENTRYPOINT, *arguments], env=dict(environment), stdout=out, stderr=out, text=True
        ) as process,
    ):
        try:
            yield process, log
        finally:
            process.kill()


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while not condition():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def stop(process: subprocess.Popen[str]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(STOP_TIMEOUT_S)


def run_entrypoint(environment: Environment, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [ENTRYPOINT, *arguments], env=dict(environment), capture_output=True, text=True, check=False, timeout=240
    )
    return done.returncode, done.stdout + done.stderr


def test_the_script_is_plain_shell() -> None:
    assert subprocess.run(["sh", "-n", ENTRYPOINT], check=False).returncode == 0
    assert ENTRYPOINT.read_text().startswith("#!/bin/sh\n")


@pytest.mark.parametrize("arguments", [(), ("shell",)])
def test_an_unknown_process_is_rejected_with_the_list_of_known_ones(arguments: tuple[str, ...]) -> None:
    code, text = run_entrypoint(os.environ, *arguments)
    assert code == 64
    assert text.count("\n") == 1
    assert "use web, worker, beat, ingest, lag, fleet, probe, sync, bootstrap, migrate, prepare or manage" in text


def test_prepare_creates_tables_and_topics_and_is_idempotent(environment: Environment) -> None:
    for _ in range(2):
        code, text = run_entrypoint(environment, "prepare")
        assert code == 0, text
    listed = StringIO()
    call_command("datasets", "list", stdout=listed)
    assert "flights" in listed.getvalue()
    assert "persons" in listed.getvalue()


def test_web_listens_on_its_port_and_stops_on_sigterm(environment: Environment) -> None:
    assert run_entrypoint(environment, "manage", "collectstatic", "--no-input")[0] == 0
    bind = f"127.0.0.1:{free_port()}"
    with running({**environment, "ANDEN_WEB_BIND": bind}, "web") as (process, log):
        assert first_status(f"http://{bind}/readyz", process, log) == 200
        assert first_status(f"http://{bind}/metrics", process, log) == 200
        assert stop(process) == 0


def first_status(url: str, process: subprocess.Popen[str], log: Path) -> int:
    """Status of the first response."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - a local URL
                return int(response.status)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{url} returned {error.code}: {error.read()[:500]!r}") from error
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


@pytest.mark.parametrize(("role", "up"), [("worker", "ready."), ("beat", "Schedule changed")])
def test_celery_starts_and_stops_on_sigterm(environment: Environment, role: str, up: str) -> None:
    with running(environment, role) as (process, log):
        wait_until(lambda: up in log.read_text(), process, log)
        assert stop(process) == 0, log.read_text()


def test_beat_stops_while_blocked_by_the_database(environment: Environment, station: Station) -> None:
    with station.connect("owner") as owner, owner.transaction():
        owner.execute("LOCK TABLE django_celery_beat_periodictask IN ACCESS EXCLUSIVE MODE")
        with running(environment, "beat") as (process, log):
            wait_until(lambda: is_waiting_for(owner), process, log)
            assert stop(process) == 0, log.read_text()


def is_waiting_for(blocker: psycopg.Connection[Any]) -> bool:
    """Whether another session waits for a lock held by this connection."""
    (waiting,) = blocker.execute(
        "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    ).fetchone() or (0,)
    return bool(waiting)


@pytest.mark.parametrize("role", ["ingest", "lag", "fleet"])
def test_long_running_processes_start_and_stop_on_sigterm(environment: Environment, role: str) -> None:
    with running(environment, role) as (process, log):
        wait_until(lambda: catches_the_stop_signal(process.pid), process, log)
        assert stop(process) == 0, log.read_text()


def catches_the_stop_signal(pid: int) -> bool:
    """Whether the process has installed a SIGTERM handler, so it has started."""
    status = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"^SigCgt:\s+([0-9a-f]+)$", status, re.MULTILINE)
    return match is not None and bool(int(match[1], 16) >> (signal.SIGTERM - 1) & 1)


def test_migrate_runs_as_owner_and_is_idempotent(environment: Environment) -> None:
    code, text = run_entrypoint(environment, "migrate", "--no-input")
    assert code == 0, text
    assert "No migrations to apply" in text
