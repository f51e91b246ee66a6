"""What a run writes, and what it must not: results, errors, other runs' rows."""

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
from tests.integration.jobs.conftest import QUEUE, Ask, Asked, sent, until
from tests.station import Station


def run_due(job: Asked) -> Job:
    """Run the job as if its pause were over."""
    job.age(7_200, "run_after")
    job_run(job.pk)
    return job.row


class Beside(threading.Thread):
    """Runs a job in a thread of its own, as a worker does."""

    def __init__(self, job: Asked) -> None:
        super().__init__()
        self._job = job

    def run(self) -> None:
        try:
            job_run(self._job.pk)
        finally:
            connection.close()


def test_an_id_is_sent_when_the_callers_transaction_is_committed_and_not_before(ask: Ask) -> None:
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
def test_bad_arguments_are_refused_by_the_name_of_their_field(station: Station, days: Any) -> None:
    with pytest.raises(ArgumentsInvalid, match=r"datasets\.purge_tombstones: .* `\$\.older_days`"):
        enqueue(tombstone_purge, TombstonePurge(older_days=days), actor="ada")
    assert Job.objects.count() == 0


def test_a_row_whose_arguments_another_version_wrote_fails_at_once(ask: Ask) -> None:
    job = ask()
    Job.objects.update(arguments={"witness": 5})
    assert run_due(job).state == "failed"
    assert job.row.error.startswith("ArgumentsInvalid: tests.work: ")


def test_a_result_is_kept_with_who_asked_for_it(ask: Ask) -> None:
    job = ask(actor="grace")
    job.gate.touch()
    ended = run_due(job)
    assert (ended.state, ended.actor, ended.attempts) == ("succeeded", "grace", 1)
    assert ended.result == {"pid": os.getpid(), "count": 0}
    assert ended.started_at is not None
    assert ended.finished_at is not None
    assert ended.created_at <= ended.started_at <= ended.finished_at
    job_run(job.pk)
    assert len(job.runs) == 1


def test_a_failure_is_tried_again_after_a_pause_and_keeps_no_secret(ask: Ask) -> None:
    job = ask(job_kinds.fail)
    first = run_due(job)
    assert (first.state, first.attempts) == ("queued", 1)
    job_run(job.pk)  # an id that comes within the pause
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
        (job_kinds.enclose, "TransactionManagementError: progress is said after the commit"),
        (job_kinds.unstorable, "DataError: "),
    ],
)
def test_what_can_never_succeed_fails_at_the_first_attempt(ask: Ask, kind: Any, error: str) -> None:
    ended = run_due(ask(kind))
    assert (ended.state, ended.attempts) == ("failed", 1)
    assert ended.error.startswith(error)
    assert ended.result is None


def test_a_run_whose_job_was_taken_over_ends_and_writes_nothing(ask: Ask) -> None:
    job = ask(job_kinds.lose)
    ended = run_due(job)
    assert not job.gate.exists()
    assert (ended.state, ended.text, ended.done, ended.result) == ("running", "the other's", 0, None)
    assert isinstance(ended.claim, uuid.UUID)


def test_a_run_that_could_not_beat_for_long_gives_its_job_up(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    job = ask()
    with monkeypatch.context() as patched:
        patched.setattr(heartbeat, "STALE_S", 0.0)
        given_up = run_due(job)
    assert (given_up.state, given_up.attempts, given_up.claim) == ("queued", 0, None)
    assert len(job.runs) == 1
    job.gate.touch()
    assert run_due(job).state == "succeeded"


def test_a_job_that_hangs_fails_at_its_limit_and_what_it_says_later_is_not_kept(ask: Ask) -> None:
    job = ask(job_kinds.hang)
    run = Beside(job)
    run.start()
    assert job.until("failed").error == "TimeLimitExceeded: no end after 0.5 s"
    assert run.is_alive()
    job.gate.touch()
    run.join()
    assert (job.row.state, job.row.result) == ("failed", None)


def test_a_process_runs_one_job_at_a_time_and_wakes_the_next(ask: Ask) -> None:
    first, second = ask(), ask()
    sent()
    run = Beside(first)
    run.start()
    first.until("running", done=1)
    job_run(second.pk)
    assert second.row.state == "queued"
    assert second.runs == []
    first.gate.touch()
    run.join()
    assert sent() == [second.pk]


def test_an_id_that_comes_while_another_is_looked_at_is_sent_again(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled, job = ask(), ask()
    jobs_cancel([cancelled.pk])
    sent()

    def slowly_claimed(_job_id: int, **_about: Any) -> None:
        job_run(job.pk)

    with monkeypatch.context() as slow:
        slow.setattr(runner, "claim", slowly_claimed)
        job_run(cancelled.pk)
    assert job.row.state == "queued"
    assert sent() == [job.pk]


def test_a_job_that_was_cancelled_while_it_ran_is_not_when_it_is_queued_again(ask: Ask) -> None:
    job = ask()
    run = Beside(job)
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


def test_a_worker_that_stops_takes_no_job(ask: Ask) -> None:
    job = ask()
    stopping.set()
    job_run(job.pk)
    assert job.row.state == "queued"


def test_a_kind_that_this_version_does_not_know_waits_for_one_that_does(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ask()
    job.gate.touch()
    with monkeypatch.context() as older:
        older.delitem(JOB_KINDS, "tests.work")
        job_run(job.pk)
        assert job.row.state == "queued"
    job_run(job.pk)
    assert job.row.state == "succeeded"


def test_a_queued_job_is_cancelled_at_once_and_what_ended_stays(ask: Ask) -> None:
    job, ended = ask(), ask()
    ended.gate.touch()
    run_due(ended)
    assert jobs_cancel([job.pk, ended.pk]) == (1, 0)
    job_run(job.pk)
    assert (job.row.state, ended.row.state) == ("cancelled", "succeeded")
    assert jobs_requeue([job.pk, ended.pk]) == 1


def test_a_broker_that_is_away_costs_the_caller_nothing_and_is_told_once(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    ask()  # the folder is there from now on
    until(lambda: bool(sent()))
    away = QUEUE.with_name("away")
    QUEUE.rename(away)
    QUEUE.touch()
    try:
        jobs = [ask() for _ in range(3)]
    finally:
        QUEUE.unlink()
        away.rename(QUEUE)
    assert [job.row.state for job in jobs] == ["queued"] * 3
    told = [record.message for record in caplog.records if "broker" in record.message]
    assert len(told) == 1
    assert told[0].startswith("the broker takes no jobs, beat sends them again: OperationalError: ")
    back = ask()
    assert sent() == [back.pk]
