"""Months and ledger days are created within bounds, by roles that own nothing."""

import datetime

import psycopg
import pytest

from apps.datasets.adapters.table.ledger import BatchEntry, ensure_ledger_days, insert_batches, next_batch_ids
from apps.datasets.adapters.table.partitions import ensure_months
from apps.datasets.core.table.month_bounds import month_bounds, month_start
from tests.documents import document, prop
from tests.station import Station

AT = prop("at", "timestamp", partitioned=True)
INSERT = "INSERT INTO data.things (at, _source, _offset, _batch) VALUES (%s, 1, %s, 1)"


def day(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def test_months_are_created_once_and_within_the_contracts_bounds(station: Station) -> None:
    dataset = station.apply(document(properties=[AT], earliest="2013-02", latest="2013-04"))
    with station.connect("ingest") as connection:
        assert ensure_months(connection, dataset.id, day("2012-01-01"), day("2013-03-31")) == 2
        assert ensure_months(connection, dataset.id, day("2013-01-01"), day("2030-01-01")) == 1
        assert ensure_months(connection, dataset.id, day("2013-01-01"), day("2030-01-01")) == 0
        connection.execute(INSERT, ("2013-02-01T00:00:00Z", 1))
        connection.execute(INSERT, ("2013-04-30T23:59:59.999999Z", 2))
        for outside in ("2013-01-31T23:59:59Z", "2013-05-01T00:00:00Z"):
            with pytest.raises(psycopg.errors.CheckViolation) as missing, connection.transaction():
                connection.execute(INSERT, (outside, 3))
            assert missing.value.diag.constraint_name is None
    assert month_bounds(dataset.contract, day("2026-11-23")) == (day("2013-02-01"), day("2013-05-01"))


def test_a_month_is_created_while_another_batch_is_open(station: Station) -> None:
    dataset = station.apply(document(properties=[AT], earliest="2013-01", latest="2013-12"))
    with station.connect("ingest") as batch, station.connect("ingest") as other:
        ensure_months(batch, dataset.id, day("2013-01-01"), day("2013-01-01"))
        batch.execute(INSERT, ("2013-01-05T00:00:00Z", 1))
        other.execute("SET lock_timeout = '2s'")
        assert ensure_months(other, dataset.id, day("2013-02-01"), day("2013-02-01")) == 1
        batch.commit()


def test_without_bounds_months_extend_thirteen_ahead(station: Station) -> None:
    dataset = station.apply(document(properties=[AT]))
    today = datetime.datetime.now(datetime.UTC).date()
    with station.connect("writer") as connection:
        made = ensure_months(connection, dataset.id, month_start(today), day("2999-01-01"))
    assert made == 14
    assert month_bounds(dataset.contract, today)[1] == month_start(today, shift=14)


def test_the_indexes_and_the_key_reach_every_month(station: Station) -> None:
    dataset = station.apply(
        document(properties=[AT, prop("name")], filters=["name"], earliest="2013-01", latest="2013-02")
    )
    with station.connect("ingest") as connection:
        ensure_months(connection, dataset.id, day("2013-01-01"), day("2013-02-01"))
    with station.admin() as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_indexes WHERE schemaname = 'parts' AND tablename LIKE %s", (f"d{dataset.id}\\_%",)
        ).fetchone()
    assert found == (4,)


def test_the_ledger_stores_entries_and_raises_if_the_day_is_missing(station: Station) -> None:
    with station.connect("ingest") as connection:
        assert ensure_ledger_days(connection) == 0
        with connection.cursor() as cursor:
            first, second = next_batch_ids(cursor, 2)
            now = datetime.datetime.now(datetime.UTC)
            entries = [BatchEntry(number, 1, 1, 1, 0, 9, 10, 0, 100, now, now, "worker") for number in (first, second)]
            insert_batches(cursor, entries)
        connection.commit()
        found = connection.execute(
            "SELECT id, xid = pg_current_xact_id(), committed_at <= clock_timestamp() FROM datasets_batch"
        )
        assert found.fetchall() == [(first, False, True), (second, False, True)]
        with pytest.raises(psycopg.errors.CheckViolation) as missing:
            connection.execute("INSERT INTO datasets_batch (day, id) VALUES ('2001-01-01', 1)")
        assert missing.value.diag.constraint_name is None


def test_web_roles_create_no_more_than_the_functions_allow(station: Station) -> None:
    for alias, statement in (
        ("reader", "SELECT anden_ensure_ledger_days(1)"),
        ("ingest", "SELECT anden_drop_ledger_days(1)"),
        ("ingest", "CREATE TABLE parts.mine (a int)"),
        ("default", "CREATE TABLE public.mine (a int)"),
    ):
        with station.connect(alias) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
