"""The sweep: orphaned jobs, lost ids, expired jobs, metrics; and which roles can access the table."""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
import pytest
from django.conf import settings
from django.db.models.functions import Now

from apps.jobs.metrics import JOBS, JOBS_WAITING
from apps.jobs.models import Job
from apps.jobs.services.sweep import BATCH_SIZE, jobs_sweep
from apps.jobs.tasks import count
from apps.telemetry import prometheus
from tests.integration.jobs.conftest import Ask, EnqueuedJob, sent
from tests.station import Station

LONG_AGO: Final = datetime(2026, 1, 1, tzinfo=UTC)


def orphaned(job: EnqueuedJob, **fields: object) -> EnqueuedJob:
    """The job as left by a worker that was killed a minute ago."""
    Job.objects.filter(pk=job.pk).update(
        **{"state": "running", "claim": "0" * 32, "attempts": 1, "heartbeat_at": Now(), **fields}
    )
    job.age(61, "heartbeat_at")
    return job


def test_orphans_are_requeued_unless_cancelled_or_out_of_attempts(ask: Ask) -> None:
    again, cancelled, poison = (
        orphaned(ask(), **fields) for fields in ({}, {"cancel_requested": True}, {"attempts": 3})
    )
    beats = orphaned(ask())
    beats.age(-60, "heartbeat_at")
    sent()
    assert jobs_sweep() == 1
    assert [job.row.state for job in (again, cancelled, poison, beats)] == ["queued", "cancelled", "failed", "running"]
    assert [job.row.claim is None for job in (again, cancelled, poison, beats)] == [True, True, True, False]
    assert sent() == [again.pk]


@pytest.mark.parametrize(("waited_s", "pause_s"), [(10, 60), (500, 500), (30_000, 3_600)])
def test_an_unclaimed_id_is_resent_with_doubling_delays(ask: Ask, waited_s: int, pause_s: int) -> None:
    job = ask()
    sent()
    assert jobs_sweep() == 0  # sent just now
    began = time.monotonic()
    long_ago = timedelta(seconds=waited_s)
    Job.objects.filter(pk=job.pk).update(run_after=Now() - long_ago, send_after=Now())
    assert jobs_sweep() == 1
    took_s = time.monotonic() - began
    assert sent() == [job.pk]
    assert jobs_sweep() == 0
    found_s = (job.row.send_after - job.row.run_after - long_ago).total_seconds()
    assert pause_s <= found_s <= pause_s + 2 * took_s


def test_a_sweep_is_bounded_and_skips_locked_rows(ask: Ask, station: Station) -> None:
    held = orphaned(ask())
    row = {"kind": "tests.work", "arguments": {}, "max_attempts": 3, "state": "running", "attempts": 1}
    Job.objects.bulk_create(Job(**row, send_after=Now(), heartbeat_at=LONG_AGO) for _ in range(BATCH_SIZE + 10))
    with station.connect("default") as other:
        other.execute("SELECT 1 FROM jobs_job WHERE id = %s FOR UPDATE", (held.pk,))
        assert jobs_sweep() == BATCH_SIZE
        assert held.row.state == "running"
    assert jobs_sweep() == 11
    assert held.row.state == "queued"


def test_finished_jobs_are_kept_for_the_configured_time(ask: Ask) -> None:
    old, young, waits = ask(), ask(), ask()
    Job.objects.filter(pk__in=(old.pk, young.pk)).update(state="failed", finished_at=Now())
    old.age(settings.ANDEN.job_days * 86_400 + 60, "finished_at")
    young.age(settings.ANDEN.job_days * 86_400 - 60, "finished_at")
    waits.age(10 * 365 * 86_400, "created_at", "run_after")
    jobs_sweep()
    assert set(Job.objects.values_list("pk", flat=True)) == {young.pk, waits.pk}


def test_counts_and_the_longest_wait_are_exported_and_removed(ask: Ask) -> None:
    waits, failed = ask(), ask()
    Job.objects.filter(pk=failed.pk).update(state="failed", finished_at=Now())
    count()
    assert prometheus.gauge_values(JOBS) == {("queued",): 1, ("running",): 0, ("failed",): 1}
    assert prometheus.gauge_values(JOBS_WAITING) == {("tests.work",): waits.row.run_after.timestamp()}
    Job.objects.filter(pk=waits.pk).update(state="cancelled", finished_at=Now())
    count()
    assert prometheus.gauge_values(JOBS_WAITING) == {}


@pytest.mark.parametrize("alias", ["ingest", "reader", "writer"])
def test_only_the_web_role_can_access_the_table(ask: Ask, station: Station, alias: str) -> None:
    ask()
    refused = (psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)
    for statement in ("SELECT * FROM jobs_job", "UPDATE jobs_job SET state = 'cancelled'", "DELETE FROM jobs_job"):
        with station.connect(alias) as connection, pytest.raises(refused):
            connection.execute(statement)
