"""Many datasets in one worker on real PostgreSQL and Kafka: shared transactions, and pauses of one dataset alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from apps.ingest.adapters import postgres_store
from tests.documents import prop
from tests.integration.ingest.conftest import Line
from tests.unit.ingest.world import ENTITIES, EVENTS, TIMED, things

Until = Callable[[Callable[[], bool]], None]


def count(line: Line, name: str) -> int:
    return int(line.query(f"SELECT count(*) FROM data.{name}")[0][0])


def send_timed(line: Line, *ids: int) -> None:
    line.send(*({"id": number, "at": "2025-05-06T07:08:09Z"} for number in ids))


def test_many_datasets_share_transactions_and_one_ledger_insert(line: Line) -> None:
    names = [f"d{number}" for number in range(40)]
    for name in names:
        line.apply(EVENTS, name=name, mode="append")
    line.make(2)
    line.send(*things(50))
    line.send(*things(50, 50), partition=1)
    assert line.run(*names).rows == 40 * 100
    assert {count(line, name) for name in names} == {100}
    ((transactions, entries, rows),) = line.query(
        "SELECT count(DISTINCT xid), count(*), sum(rows) FROM datasets_batch"
    )
    assert rows == 40 * 100
    assert transactions < entries / 10


def test_append_partitioned_and_upsert_datasets_are_committed_together(line: Line, until: Until) -> None:
    both = [prop("id", "integer", required=True), prop("at", "timestamp", required=True)]
    line.apply(TIMED, name="timed", mode="append")
    line.apply(both, name="plain", mode="append")
    line.apply([{**both[0], "primaryKey": True}, both[1]], name="newest", mode="upsert")
    line.make()
    worker = line.start()
    send_timed(line, *range(50), *range(25))
    until(lambda: count(line, "timed") == 75)
    until(lambda: count(line, "plain") == 75)
    until(lambda: count(line, "newest") == 50)
    line.apply([*both, prop("more")], name="plain", mode="append")
    line.apply([{**both[0], "primaryKey": True}, both[1], prop("more")], name="newest", mode="upsert")
    line.apply([*TIMED, prop("more")], name="timed", mode="append")
    until(lambda: {stream.target.contract_version for stream in worker.streams} == {2})
    line.send(*({"id": number, "at": "2025-06-07T00:00:00Z", "more": "m"} for number in range(60)))
    until(lambda: line.query("SELECT count(*) FROM data.newest WHERE more = 'm'") == [(60,)])
    until(lambda: count(line, "timed") == count(line, "plain") == 135)
    assert line.query("SELECT count(*) FROM ingest_quarantine") == [(0,)]


@contextmanager
def in_transaction(line: Line, *statements: str) -> Iterator[None]:
    with line.station.admin() as connection:
        connection.autocommit = False
        for statement in statements:
            connection.execute(statement)
        yield
        connection.rollback()


@contextmanager
def revoked(line: Line) -> Iterator[None]:
    with line.station.admin() as connection:
        connection.execute("REVOKE INSERT ON data.things FROM anden_ingest")
        yield
        connection.execute("GRANT INSERT ON data.things TO anden_ingest")


FAULTS: dict[str, tuple[Callable[[Line], Any], str]] = {
    "locked": (lambda line: in_transaction(line, "LOCK TABLE data.things IN ACCESS EXCLUSIVE MODE"), "lock timeout"),
    "an index is built": (lambda line: in_transaction(line, "CREATE INDEX ON data.things (id)"), "lock timeout"),
    "its partition is locked": (
        lambda line: in_transaction(
            line,
            "DO $$ DECLARE part regclass; BEGIN FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = "
            "'data.things'::regclass LOOP EXECUTE 'LOCK TABLE ' || part || ' IN ACCESS EXCLUSIVE MODE'; "
            "END LOOP; END $$",
        ),
        "lock timeout",
    ),
    "no privilege": (revoked, "permission denied"),
}


@pytest.mark.parametrize(
    ("fault", "mode"),
    [(fault, "append") for fault in FAULTS] + [(fault, "upsert") for fault in FAULTS if "partition" not in fault],
)
def test_a_table_that_cannot_be_written_pauses_its_dataset_alone(
    line: Line, until: Until, fault: str, mode: str
) -> None:
    partitioned = "partition" in fault
    if partitioned:
        line.apply(TIMED, name="things", mode="append")
        line.apply(TIMED, name="neighbours", mode="append")
    else:
        fields = ENTITIES if mode == "upsert" else EVENTS
        line.apply(fields, name="things", mode=mode)
        line.apply(fields, name="neighbours", mode=mode)
    line.make()
    worker = line.start()
    send_timed(line, *range(10)) if partitioned else line.send(*things(10))
    until(lambda: count(line, "things") == count(line, "neighbours") == 10)
    begin, reason = FAULTS[fault]
    with begin(line):
        for start in range(10, 60, 10):
            send_timed(line, *range(start, start + 10)) if partitioned else line.send(*things(10, start))
            until(lambda start=start: count(line, "neighbours") == start + 10)  # type: ignore[misc]
        until(lambda: reason in worker.streams.stopped.get("things", ""))
        assert "neighbours" not in worker.streams.stopped
        errors = line.query(
            "SELECT last_error FROM ingest_source s JOIN datasets_dataset d ON d.id = s.dataset_id "
            "WHERE d.name = 'things'"
        )
        assert all(reason in error for (error,) in errors)
    until(lambda: count(line, "things") == 60)
    until(lambda: worker.streams.stopped == {})
    assert line.query("SELECT count(*) FROM ingest_quarantine") == [(0,)]
    assert line.query("SELECT sum(rows) FROM datasets_batch") == [(120,)]


def test_rows_that_postgresql_rejects_cost_the_neighbours_nothing(line: Line, until: Until) -> None:
    line.apply([prop("id", "integer", required=True, unique=True), prop("name")], name="things", mode="append")
    line.apply(EVENTS, name="neighbours", mode="append")
    line.make()
    line.start()
    for start in range(0, 500, 100):
        line.send(*things(100, start), {"id": start, "name": "twin"})
        until(lambda start=start: count(line, "things") == start + 100)  # type: ignore[misc]
    until(lambda: count(line, "neighbours") == 505)
    assert line.query("SELECT count(*), count(DISTINCT reason) FROM ingest_quarantine") == [(5, 1)]
    assert line.query("SELECT sum(rows), sum(rejects) FROM datasets_batch") == [(1_005, 5)]


def test_months_are_created_while_another_dataset_is_streamed(line: Line) -> None:
    line.apply([prop("id", "integer", required=True), prop("at", "timestamp", required=True)], mode="append")
    line.apply(TIMED, name="timed", mode="append")
    line.make()
    months = [f"20{year}-{month:02}-01T00:00:00Z" for year in (20, 21, 22) for month in range(1, 13)]
    line.send(*({"id": number, "at": months[number // 200]} for number in range(200 * len(months))))
    line.run("things", "timed")
    assert count(line, "things") == count(line, "timed") == 200 * len(months)
    # Both share each transaction, and no new month ends one.
    ((transactions, entries),) = line.query("SELECT count(DISTINCT xid), count(*) FROM datasets_batch")
    assert transactions < len(months) / 2
    assert entries <= 2 * transactions


def test_a_new_month_of_a_locked_table_holds_no_neighbour_up(line: Line, until: Until) -> None:
    line.apply(TIMED, name="things", mode="append")
    line.apply([prop("id", "integer", required=True), prop("at", "timestamp", required=True)], name="neighbours")
    line.make()
    worker = line.start()
    send_timed(line, *range(10))
    until(lambda: count(line, "things") == count(line, "neighbours") == 10)
    with in_transaction(line, "LOCK TABLE data.things IN ACCESS EXCLUSIVE MODE"):
        for month in range(1, 7):
            line.send(*({"id": number, "at": f"2026-0{month}-01T00:00:00Z"} for number in range(1_500)))
            until(lambda month=month: count(line, "neighbours") == 10 + 1_500 * month)  # type: ignore[misc]
        until(lambda: "things" in worker.streams.stopped)
    until(lambda: count(line, "things") == 9_010)
    until(lambda: worker.streams.stopped == {})


def test_more_upsert_datasets_than_staging_tables_lose_no_row(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_store, "_MOST_STAGES", 3)
    names = [f"u{number}" for number in range(8)]
    for name in names:
        line.apply(ENTITIES, name=name, mode="upsert")
    line.make()
    for start in (0, 40, 80):
        line.send(*things(40, start))
        line.run(*names)
    line.send(*things(2_000, 120))
    line.run(*names)
    assert {count(line, name) for name in names} == {2_120}
