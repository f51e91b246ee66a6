"""Housekeeping: ledger partitions are created and dropped, and tombstones are purged."""

from pathlib import Path
from typing import Final

import psycopg
import pytest
from celery import current_app
from django.conf import settings

from apps.datasets import tasks
from apps.datasets.adapters.table.retention import purge_tombstones
from apps.jobs.models import Job
from apps.jobs.services.runner import job_run
from tests.station import Station

CONTRACTS: Final = Path(__file__).resolve().parents[3] / "contracts"
INSERT: Final = """
INSERT INTO data.persons (person_id, given_name, family_name, _source, _offset, _batch, _at, _rev, _deleted)
SELECT gen_random_uuid(), 'Ada', 'Lovelace', 0, n, 0, now() - make_interval(days => %s), 1, %s
FROM generate_series(1, %s) n
"""


def ledger_days(station: Station) -> list[int]:
    """The ledger's days, relative to today."""
    with station.admin() as connection:
        rows = connection.execute(
            "SELECT to_date(right(c.relname, 10), 'YYYY_MM_DD') - (now() AT TIME ZONE 'UTC')::date "
            "FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid "
            "WHERE inhparent = 'public.datasets_batch'::regclass ORDER BY 1"
        ).fetchall()
    return [row[0] for row in rows]


def test_a_missing_ledger_day_is_recreated(station: Station) -> None:
    with station.admin() as connection:
        (part,) = connection.execute(
            "SELECT 'ledger_' || to_char(now() AT TIME ZONE 'UTC' + interval '7 days', 'YYYY_MM_DD')"
        ).fetchone() or ("",)
        connection.execute(f"DROP TABLE parts.{part}")
    assert tasks.make_ledger_days_ahead() == 1
    assert tasks.make_ledger_days_ahead() == 0
    assert ledger_days(station) == list(range(-1, 8))


def test_ledger_days_older_than_the_setting_are_dropped(station: Station) -> None:
    keep = settings.DATASETS.ledger_days
    with station.admin() as connection:
        for age in (keep, keep + 1):
            connection.execute(
                "DO $$ DECLARE day date := (now() AT TIME ZONE 'UTC')::date - " + str(age) + "; BEGIN "
                "EXECUTE format('CREATE TABLE parts.%I PARTITION OF public.datasets_batch "
                "FOR VALUES FROM (%L) TO (%L)', 'ledger_' || to_char(day, 'YYYY_MM_DD'), day, day + 1); END $$"
            )
    assert tasks.drop_old_ledger_days() == 1
    assert ledger_days(station) == [-keep, *range(-1, 8)]
    with station.admin() as connection:
        connection.execute("SELECT public.anden_drop_ledger_days(1)")


def purge() -> Job:
    """The job that beat queues, run to its end."""
    job_id = tasks.purge_old_tombstones()
    assert job_id is not None
    job_run(job_id)
    return Job.objects.get(pk=job_id)


def test_old_tombstones_are_purged_and_nothing_else(station: Station) -> None:
    station.apply(CONTRACTS / "persons.yaml")
    station.apply(CONTRACTS / "flights.yaml")
    days = settings.DATASETS.tombstone_days
    with station.connect("writer") as connection:
        for age, deleted, count in ((days + 1, True, 3), (days - 1, True, 2), (days + 1, False, 4)):
            connection.execute(INSERT, (age, deleted, count))
    purged = purge()
    assert (purged.state, purged.result, purged.actor) == ("succeeded", 3, "")
    assert (purged.done, purged.total, purged.text) == (1, 1, "persons")
    with station.connect("reader") as connection:
        left = connection.execute("SELECT _deleted, count(*) FROM data.persons GROUP BY 1 ORDER BY 1").fetchall()
    assert left == [(False, 4), (True, 2)]


def test_a_purge_resumes_after_the_dataset_of_its_checkpoint(station: Station) -> None:
    persons = station.apply(CONTRACTS / "persons.yaml")
    with station.connect("writer") as connection:
        connection.execute(INSERT, (settings.DATASETS.tombstone_days + 1, True, 3))
    job_id = tasks.purge_old_tombstones()
    assert job_id is not None
    assert tasks.purge_old_tombstones() is None  # the previous one is not finished
    Job.objects.update(checkpoint={"dataset": persons.id, "rows": 5})
    job_run(job_id)
    assert Job.objects.get().result == 5
    assert purge().result == 3


def test_many_tombstones_are_purged_in_batches(station: Station) -> None:
    persons = station.apply(CONTRACTS / "persons.yaml")
    with station.connect("writer") as connection:
        connection.execute(INSERT, (60, True, 25))
    with station.connect("default") as connection:
        reported: list[int] = []
        assert purge_tombstones(connection, persons.id, older_days=30, batch_rows=10, deleted=reported.append) == 25
    assert reported == [10, 10, 5]


def test_the_purge_function_rejects_unsafe_arguments(station: Station) -> None:
    persons = station.apply(CONTRACTS / "persons.yaml")
    with station.connect("default") as connection:
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            purge_tombstones(connection, persons.id, older_days=0)
        connection.rollback()
        with pytest.raises(psycopg.errors.InvalidParameterValue):
            purge_tombstones(connection, 10**9, older_days=30)
    with station.connect("ingest") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        purge_tombstones(connection, persons.id, older_days=30)


def test_beat_schedules_only_existing_tasks() -> None:
    current_app.loader.import_default_modules()
    asked = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert asked
    assert asked <= set(current_app.tasks)
