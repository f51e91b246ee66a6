"""A real worker of Celery: it may get an id twice, be told to stop, be killed, or be killed by its job."""

import signal
from pathlib import Path

import pytest

from apps.jobs.adapters import broker
from apps.jobs.services.queue import jobs_cancel
from apps.jobs.services.sweep import jobs_sweep
from tests import job_kinds
from tests.integration.jobs.conftest import PATIENCE_S, Ask, worker

pytestmark = pytest.mark.timeout(400)


def test_a_job_outlives_its_workers_and_goes_on_where_each_left_it(ask: Ask, tmp_path: Path) -> None:
    job = ask()
    with worker(tmp_path) as stopped:
        job.until("running", done=5)
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(PATIENCE_S) == 0
    given_back = job.row
    assert (given_back.state, given_back.attempts, given_back.claim) == ("queued", 0, None)
    with worker(tmp_path) as killed:  # the id is in the broker again, though nobody swept
        job.until("running", done=given_back.done + 5)
        killed.kill()
        killed.wait()
    left = job.row
    assert left.state == "running"
    job.age(61, "heartbeat_at")
    assert jobs_sweep() == 1
    with worker(tmp_path) as last:
        job.until("running", done=left.done + 1)
        job.gate.touch()
        ended = job.until("succeeded")
    assert ended.result == {"pid": last.pid, "count": ended.done}
    assert ended.done > left.done > given_back.done
    assert [line.split()[0] for line in job.runs] == [str(one.pid) for one in (stopped, killed, last)]
    assert [line.split()[1] for line in job.runs] == ["None", str(given_back.checkpoint), str(left.checkpoint)]
    assert (ended.attempts, ended.error, ended.claim) == (2, "", None)


def test_an_id_that_comes_twice_is_run_once_and_a_running_job_can_be_cancelled(ask: Ask, tmp_path: Path) -> None:
    job, waits = ask(), ask()
    for _ in range(3):
        broker.send([job.pk])
    with worker(tmp_path):
        job.until("running", done=1)
        assert waits.row.state == "queued"  # one at a time, though there are two threads
        assert jobs_cancel([job.pk]) == (0, 1)
        cancelled = job.until("cancelled")
        waits.until("running", done=1)
        waits.gate.touch()
        waits.until("succeeded")
    assert len(job.runs) == len(waits.runs) == 1
    assert cancelled.result is None
    assert cancelled.finished_at is not None


def test_a_job_that_kills_its_worker_fails_when_its_attempts_are_used_up(ask: Ask, tmp_path: Path) -> None:
    job = ask(job_kinds.kill)
    for attempt in (1, 2):
        with worker(tmp_path) as victim:
            assert victim.wait(PATIENCE_S) == -signal.SIGKILL
        assert (job.row.state, job.row.attempts) == ("running", attempt)
        job.age(61, "heartbeat_at")
        assert jobs_sweep() == 2 - attempt
    assert job.row.state == "failed"
    assert job.row.error.startswith("WorkerLost: ")
    assert len(job.runs) == 2
