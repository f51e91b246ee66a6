"""A real Celery worker that gets an id twice, is stopped, is killed, or is killed by its job."""

import signal
from pathlib import Path

import pytest

from apps.jobs.adapters import broker
from apps.jobs.services.queue import jobs_cancel
from apps.jobs.services.sweep import jobs_sweep
from tests import job_kinds
from tests.integration.jobs.conftest import TIMEOUT_S, Ask, worker

pytestmark = pytest.mark.timeout(400)


def test_a_job_outlives_its_workers_and_resumes_from_each_checkpoint(ask: Ask, tmp_path: Path) -> None:
    job = ask()
    with worker(tmp_path) as stopped:
        job.until("running", done=5)
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(TIMEOUT_S) == 0
    returned = job.row
    assert (returned.state, returned.attempts, returned.claim) == ("queued", 0, None)
    with worker(tmp_path) as killed:  # the id was sent again without a sweep
        job.until("running", done=returned.done + 5)
        killed.kill()
        killed.wait()
    left = job.row
    assert left.state == "running"
    job.age(61, "heartbeat_at")
    assert jobs_sweep() == 1
    with worker(tmp_path) as last:
        job.until("running", done=left.done + 1)
        job.gate.touch()
        finished = job.until("succeeded")
    assert finished.result == {"pid": last.pid, "count": finished.done}
    assert finished.done > left.done > returned.done
    assert [line.split()[0] for line in job.runs] == [str(one.pid) for one in (stopped, killed, last)]
    assert [line.split()[1] for line in job.runs] == ["None", str(returned.checkpoint), str(left.checkpoint)]
    assert (finished.attempts, finished.error, finished.claim) == (2, "", None)


def test_a_duplicate_id_runs_once_and_a_running_job_can_be_cancelled(ask: Ask, tmp_path: Path) -> None:
    job, waits = ask(), ask()
    for _ in range(3):
        broker.send([job.pk])
    with worker(tmp_path):
        job.until("running", done=1)
        assert waits.row.state == "queued"  # one at a time, despite two threads
        assert jobs_cancel([job.pk]) == (0, 1)
        cancelled = job.until("cancelled")
        waits.until("running", done=1)
        waits.gate.touch()
        waits.until("succeeded")
    assert len(job.runs) == len(waits.runs) == 1
    assert cancelled.result is None
    assert cancelled.finished_at is not None


def test_a_job_that_kills_its_worker_fails_after_its_last_attempt(ask: Ask, tmp_path: Path) -> None:
    job = ask(job_kinds.kill)
    for attempt in (1, 2):
        with worker(tmp_path) as victim:
            assert victim.wait(TIMEOUT_S) == -signal.SIGKILL
        assert (job.row.state, job.row.attempts) == ("running", attempt)
        job.age(61, "heartbeat_at")
        assert jobs_sweep() == 2 - attempt
    assert job.row.state == "failed"
    assert job.row.error.startswith("WorkerLost: ")
    assert len(job.runs) == 2
