"""`make run` serves flights to a third party, resumes where it stopped, and leaves no process behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from embedded.postgres import EmbeddedPostgres
from tests.acceptance.make_run_process import STOP_TIMEOUT_S, logs, make_run, project_copy, running_in, still_running

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def project() -> Iterator[Path]:
    """A copy of the project that these tests share."""
    with project_copy() as root:
        yield root


def _flights(project: Path) -> int:
    """The number of stored flights, after checking that there is no duplicate and no gap."""
    with (
        EmbeddedPostgres(project / ".anden" / "postgres") as server,
        psycopg.connect(server.urls()["ANDEN_DATABASE_OWNER_URL"]) as connection,
    ):
        sources = connection.execute(
            "SELECT count(*), max(_offset) + 1, count(DISTINCT _offset) FROM data.flights GROUP BY _source"
        ).fetchall()
        different = connection.execute(
            "SELECT count(*) FROM (SELECT DISTINCT carrier, flight, origin, dest, sched_dep_time, time_hour,"
            " tailnum FROM data.flights) AS flights"
        ).fetchone()
        quarantined = connection.execute("SELECT count(*) FROM ingest_quarantine").fetchone()
    assert sources
    for rows, end, offsets in sources:
        assert rows == end == offsets
    total = sum(int(rows) for rows, _, _ in sources)
    assert different == (total,)
    assert quarantined == (0,)
    return total


def _asked(command: list[str]) -> list[dict[str, object]]:
    """The records that the printed command returns."""
    done = subprocess.run([*command, "--fail-with-body"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    records: list[dict[str, object]] = json.loads(done.stdout)["records"]
    return records


def test_make_run_serves_flights_stops_completely_and_resumes(project: Path) -> None:
    with make_run(project, ANDEN_RUN_SECONDS="15") as first:
        command = first.curl()
        records = _asked(command)
        assert len(records) == 3
        assert {"carrier", "dest"} <= set(records[0])
        started = first.processes()
        second = subprocess.run(
            ["make", "run"],
            cwd=project,
            env=os.environ | {"ANDEN_VENV": sys.prefix, "ANDEN_RUN_SECONDS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode != 0
        assert "Andén is already running here" in second.stderr
        assert first.process.wait(15 + STOP_TIMEOUT_S) == 0, first.output + logs(project)
    assert len(started) > 10
    assert still_running(started) == []
    assert running_in(project) == []
    before = _flights(project)
    assert before > 0

    with make_run(project) as again:
        # The same key as before: the demo client was not created a second time.
        assert again.curl()[:-1] == command[:-1]
        started = again.processes()
        again.wait_for_more_than(before)
        again.launcher().send_signal(signal.SIGINT)
        assert again.process.wait(STOP_TIMEOUT_S) == 0, again.output + logs(project)
    assert still_running(started) == []
    assert running_in(project) == []
    assert _flights(project) > before


def test_a_killed_launcher_leaves_no_process_and_loses_no_row(project: Path) -> None:
    with make_run(project) as run:
        run.curl()
        started = run.processes()
        run.launcher().kill()
        assert run.process.wait(30) != 0
    deadline = time.monotonic() + 60
    while still_running(started) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert still_running(started) == []
    assert running_in(project) == []
    assert _flights(project) > 0
