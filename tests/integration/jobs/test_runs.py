"""What a run writes and must not write: results, errors, rows of other runs."""

import os
import threading
import uuid
from typing import Any

import pytest
from django.db import connection, transaction

from apps.datasets.jobs import TombstonePurge, tombstone_purge
from apps.jobs.core.errors import ArgumentsInvalid
from apps.jobs.core.kinds import JOB_KINDS
from apps.jobs.models import Job
from apps.jobs.services import heartbeat, runner
from apps.jobs.services.heartbeat import stopping
from apps.jobs.services.queue import enqueue, jobs_cancel, jobs_requeue
from apps.jobs.services.runner import job_run
from tests import job_kinds
from tests.integration.jobs.conftest import QUEUE, Ask, EnqueuedJob, sent, until
from tests.station import Station


def run_due(job: EnqueuedJob) -> Job:
    """Run the job as if its retry delay had elapsed."""
    job.age(7_200, "run_after")
    job_run(job.pk)
    return job.row


class JobThread(threading.Thread):
    """Runs a job in a separate thread, like a worker."""

    def __init__(self, job: EnqueuedJob) -> None:
        super().__init__()
        self._job = job

    def run(self) -> None:
        try:
            job_run(self._job.pk)
        finally:
            connection.close()


def test_an_id_is_sent_after_the_callers_commit_and_not_before(ask: Ask) -> None:
    with transaction.atomic():
        job = ask()
        assert sent() == []
    assert sent() == [job.pk]
    with transaction.atomic():
        ask()
        transaction.set_rollback(True)
    assert sent() == []
    assert Job.objects.count() == 1


@pytest.mark.parametrize("days", [0, "30", None])
def test_invalid_arguments_are_rejected_with_the_name_of_their_field(station: Station, days: Any) -> None:
    with pytest.raises(ArgumentsInvalid, match=r"datasets\.purge_tombstones: .* `\$\.older_days`"):
        enqueue(tombstone_purge, TombstonePurge(older_days=days), actor="ada")
    assert Job.objects.count() == 0


def test_a_row_with_arguments_of_another_version_fails_without_a_retry(ask: Ask) -> None:
    job = ask()
    Job.objects.update(arguments={"witness": 5})
    assert run_due(job).state == "failed"
    assert job.row.error.startswith("ArgumentsInvalid: tests.work: ")


def test_a_result_is_stored_with_the_actor(ask: Ask) -> None:
    job = ask(actor="grace")
    job.gate.touch()
    finished = run_due(job)
    assert (finished.state, finished.actor, finished.attempts) == ("succeeded", "grace", 1)
    assert finished.result == {"pid": os.getpid(), "count": 0}
    assert finished.started_at is not None
    assert finished.finished_at is not None
    assert finished.created_at <= finished.started_at <= finished.finished_at
    job_run(job.pk)
    assert len(job.runs) == 1


def test_a_failure_is_retried_after_a_delay_and_stores_no_secret(ask: Ask) -> None:
    job = ask(job_kinds.fail)
    first = run_due(job)
    assert (first.state, first.attempts) == ("queued", 1)
    job_run(job.pk)  # an id that arrives during the delay
    assert job.row.attempts == 1
    last = run_due(job)
    assert (last.state, last.attempts, last.claim) == ("failed", 2, None)
    assert last.error == "ValueError: no way to postgresql://…@db/anden with password=…"
    assert jobs_requeue([job.pk]) == 1
    assert sent()[-1] == job.pk
    assert run_due(job).attempts == 1


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (job_kinds.refuse, "JobRefused: there is no such thing"),
        (job_kinds.enclose, "TransactionManagementError: call progress after the commit"),
        (job_kinds.unstorable, "DataError: "),
    ],
)
def test_a_permanent_error_fails_at_the_first_attempt(ask: Ask, kind: Any, error: str) -> None:
    finished = run_due(ask(kind))
    assert (finished.state, finished.attempts) == ("failed", 1)
    assert finished.error.startswith(error)
    assert finished.result is None


def test_a_run_whose_job_was_taken_over_stops_and_writes_nothing(ask: Ask) -> None:
    job = ask(job_kinds.lose)
    finished = run_due(job)
    assert not job.gate.exists()
    assert (finished.state, finished.text, finished.done, finished.result) == ("running", "the other's", 0, None)
    assert isinstance(finished.claim, uuid.UUID)


def test_a_run_without_heartbeats_returns_its_job(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ask()
    with monkeypatch.context() as patched:
        patched.setattr(heartbeat, "STALE_S", 0.0)
        given_up = run_due(job)
    assert (given_up.state, given_up.attempts, given_up.claim) == ("queued", 0, None)
    assert len(job.runs) == 1
    job.gate.touch()
    assert run_due(job).state == "succeeded"


def test_a_hanging_job_fails_at_its_time_limit_and_its_late_result_is_discarded(ask: Ask) -> None:
    job = ask(job_kinds.hang)
    run = JobThread(job)
    run.start()
    assert job.until("failed").error == "TimeLimitExceeded: not finished after 0.5 s"
    assert run.is_alive()
    job.gate.touch()
    run.join()
    assert (job.row.state, job.row.result) == ("failed", None)


def test_a_process_runs_one_job_at_a_time_and_sends_the_next(ask: Ask) -> None:
    first, second = ask(), ask()
    sent()
    run = JobThread(first)
    run.start()
    first.until("running", done=1)
    job_run(second.pk)
    assert second.row.state == "queued"
    assert second.runs == []
    first.gate.touch()
    run.join()
    assert sent() == [second.pk]


def test_an_id_that_arrives_while_another_is_claimed_is_sent_again(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled, job = ask(), ask()
    jobs_cancel([cancelled.pk])
    sent()

    def slowly_claimed(_job_id: int, **_about: Any) -> None:
        job_run(job.pk)

    with monkeypatch.context() as slow:
        slow.setattr(runner, "job_claim", slowly_claimed)
        job_run(cancelled.pk)
    assert job.row.state == "queued"
    assert sent() == [job.pk]


def test_requeueing_a_job_clears_its_cancel_request(ask: Ask) -> None:
    job = ask()
    run = JobThread(job)
    run.start()
    job.until("running", done=1)
    assert jobs_cancel([job.pk]) == (0, 1)
    run.join()
    assert (job.row.state, job.row.cancel_requested) == ("cancelled", True)
    assert jobs_requeue([job.pk]) == 1
    assert not job.row.cancel_requested
    job.gate.touch()
    job_run(job.pk)
    assert job.row.state == "succeeded"


def test_a_stopping_worker_claims_no_job(ask: Ask) -> None:
    job = ask()
    stopping.set()
    job_run(job.pk)
    assert job.row.state == "queued"


def test_a_job_of_an_unknown_kind_stays_queued(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ask()
    job.gate.touch()
    with monkeypatch.context() as older:
        older.delitem(JOB_KINDS, "tests.work")
        job_run(job.pk)
        assert job.row.state == "queued"
    job_run(job.pk)
    assert job.row.state == "succeeded"


def test_a_queued_job_is_cancelled_immediately_and_a_finished_one_is_not(ask: Ask) -> None:
    job, finished = ask(), ask()
    finished.gate.touch()
    run_due(finished)
    assert jobs_cancel([job.pk, finished.pk]) == (1, 0)
    job_run(job.pk)
    assert (job.row.state, finished.row.state) == ("cancelled", "succeeded")
    assert jobs_requeue([job.pk, finished.pk]) == 1


def test_a_broker_outage_does_not_affect_the_caller_and_is_logged_once(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    ask()  # creates the folder
    until(lambda: bool(sent()))
    moved = QUEUE.with_name("unavailable")
    QUEUE.rename(moved)
    QUEUE.touch()
    try:
        jobs = [ask() for _ in range(3)]
    finally:
        QUEUE.unlink()
        moved.rename(QUEUE)
    assert [job.row.state for job in jobs] == ["queued"] * 3
    logged = [record.message for record in caplog.records if "broker" in record.message]
    assert len(logged) == 1
    assert logged[0].startswith("cannot send jobs to the broker; beat will resend them: OperationalError: ")
    back = ask()
    assert sent() == [back.pk]
