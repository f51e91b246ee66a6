"""A PostgreSQL that accepts and does not answer: frozen processes, with deadlines of a second or two."""

import logging
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connections
from prometheus_client import REGISTRY

from apps.datasets.adapters.database.connections import connect
from apps.ingest.adapters.answer_deadline import AnswerTimeout, DeadlineConnection, deadline_connection
from apps.ingest.core.errors import StoreUnresponsive
from apps.ingest.metrics import FAILURES
from apps.ingest.selectors import ALIAS, catalogue, positions
from embedded.postgres import EmbeddedPostgres
from tests.integration.ingest.conftest import Line
from tests.station import Station
from tests.unit.ingest.world import EVENTS, things

Until = Callable[[Callable[[], bool]], None]
Session = psycopg.Connection[Any]

DEADLINE_S = 1.0
BIG = "x" * 20_000_000
"""More than the kernel's buffers hold."""


@contextmanager
def frozen(*pids: int) -> Iterator[None]:
    """Freeze these processes within the block."""
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in reversed(pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def outages(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The logged outages of PostgreSQL."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and "PostgreSQL" in record.getMessage()
    ]


@pytest.fixture
def session(station: Station) -> Iterator[Session]:
    assert station
    with connect(ALIAS, connection_class=deadline_connection(DEADLINE_S)) as connection:
        connection.execute("CREATE TEMPORARY TABLE t (x text)")
        yield connection


def copy_write(session: Session) -> None:
    with session.cursor().copy("COPY t FROM STDIN") as copy, frozen(session.info.backend_pid):
        for _ in range(100):
            copy.write(BIG + "\n")


def copy_end(session: Session) -> None:
    with frozen_at_exit(session), session.cursor().copy("COPY t FROM STDIN") as copy:
        copy.write("x\n")
        os.kill(session.info.backend_pid, signal.SIGSTOP)


@contextmanager
def frozen_at_exit(session: Session) -> Iterator[None]:
    pid = session.info.backend_pid
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def exit_transaction(session: Session) -> None:
    session.commit()
    with frozen_at_exit(session), session.transaction():
        session.execute("SELECT")
        os.kill(session.info.backend_pid, signal.SIGSTOP)


def frozen_during(step: Callable[[Session], object]) -> Callable[[Session], None]:
    def run(session: Session) -> None:
        with frozen(session.info.backend_pid):
            step(session)

    return run


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(frozen_during(lambda session: session.execute("SELECT 1")), id="execute"),
        pytest.param(frozen_during(lambda session: session.execute("SELECT length(%s)", (BIG,))), id="send"),
        pytest.param(frozen_during(lambda session: session.commit()), id="commit"),
        pytest.param(frozen_during(lambda session: session.rollback()), id="rollback"),
        pytest.param(copy_write, id="write-copy"),
        pytest.param(copy_end, id="end-copy"),
        pytest.param(exit_transaction, id="transaction"),
    ],
)
def test_a_frozen_backend_ends_every_kind_of_wait_and_the_session(
    session: Session, step: Callable[[Session], None]
) -> None:
    began_s = time.monotonic()
    with pytest.raises(AnswerTimeout, match=r"within 1 s \(ANDEN_INGEST_STATEMENT_DEADLINE_S\)"):
        step(session)
    assert time.monotonic() - began_s >= DEADLINE_S
    assert session.closed


def test_a_slow_answer_is_not_cut(session: Session) -> None:
    for _ in range(3):
        assert session.execute("SELECT 1, pg_sleep(0.6)").fetchone() is not None
    with session.cursor().copy("COPY t FROM STDIN") as copy:
        for _ in range(5):
            copy.write("x\n")
            time.sleep(0.4)
    session.commit()
    assert session.execute("SELECT count(*) FROM t").fetchone() == (5,)


def test_a_silence_that_ends_is_logged_once_with_its_duration(
    station: Station, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert station
    monkeypatch.setattr("apps.ingest.adapters.answer_deadline.SILENCE_S", 0.3)
    with connect(ALIAS, connection_class=deadline_connection(60)) as session, caplog.at_level(logging.INFO):
        assert session.execute("SELECT length(%s), pg_sleep(1)", (BIG,)).fetchone() is not None
        session.execute("SELECT pg_sleep(0.1)")
    lines = [record.getMessage() for record in caplog.records if record.name == "apps.ingest.postgresql"]
    assert lines[0] == "PostgreSQL has not answered for 0 s; waiting up to 60 s"
    assert [re.sub("[0-9]+", "N", line) for line in lines[1:]] == ["PostgreSQL answered after N s"]


def write_big(session: Session) -> None:
    with session.cursor().copy("COPY t FROM STDIN") as copy:
        copy.write(BIG + "\n")


def end_copy(session: Session) -> None:
    with session.cursor().copy("COPY t FROM STDIN") as copy:
        copy.write("x\n")


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(lambda session: session.execute("INSERT INTO t SELECT %s", (BIG,)), id="send"),
        pytest.param(write_big, id="write-copy"),
        pytest.param(end_copy, id="end-copy"),
        pytest.param(lambda session: session.commit(), id="commit"),
    ],
)
def test_any_wait_goes_on_where_it_was_after_a_logged_silence(
    station: Station,
    step: Callable[[Session], object],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    until: Until,
) -> None:
    assert station
    monkeypatch.setattr("apps.ingest.adapters.answer_deadline.SILENCE_S", 0.2)
    with connect(ALIAS, connection_class=deadline_connection(60)) as session:
        session.execute("CREATE TEMPORARY TABLE t (x text)")
        pid = session.info.backend_pid

        def thaw() -> None:
            until(lambda: len(outages(caplog)) == 1)
            os.kill(pid, signal.SIGCONT)

        thread = threading.Thread(target=thaw)
        with frozen(pid):
            thread.start()
            step(session)
        thread.join()
        session.commit()
        assert session.execute("SELECT 1").fetchone() == (1,)
    assert [text for text in outages(caplog) if "has not answered for" in text] == outages(caplog)


@pytest.fixture
def short(station: Station, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Django's connection of the ingest role with a short deadline."""
    assert station
    connections[ALIAS].close()
    monkeypatch.setitem(
        connections[ALIAS].settings_dict["OPTIONS"], "connection_class", deadline_connection(DEADLINE_S)
    )
    yield
    connections[ALIAS].close()


@pytest.mark.usefixtures("short")
def test_queries_over_djangos_connection_have_a_deadline(station: Station) -> None:
    read = catalogue()
    with station.admin() as other, other.transaction():
        other.execute("LOCK TABLE ingest_source, datasets_dataset")
        for query in (positions, read):
            with pytest.raises(StoreUnresponsive, match="did not answer within 1 s"):
                query()
    assert positions() == []
    assert read().readable == ()


def test_djangos_connection_of_the_ingest_role_has_the_deadline_of_the_settings(station: Station) -> None:
    assert station
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT")
    connection = connections[ALIAS].connection
    assert isinstance(connection, DeadlineConnection)
    assert connection.deadline_s == settings.INGEST.statement_deadline_s


def failures() -> float:
    return REGISTRY.get_sample_value(FAILURES.name, {"error": StoreUnresponsive.__name__}) or 0.0


def backend(line: Line, condition: str) -> list[int]:
    return [
        row[0]
        for row in line.query(f"SELECT pid FROM pg_stat_activity WHERE usename = 'anden_ingest' AND {condition}")
    ]


def stored(line: Line) -> list[int]:
    return [row[0] for row in line.query("SELECT id FROM data.things ORDER BY id")]


def test_a_worker_flows_again_after_its_session_froze_inside_copy(
    line: Line, until: Until, caplog: pytest.LogCaptureFixture
) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    before = failures()
    line.start(statement_deadline_s=DEADLINE_S, batch_wait_s=2, batch_rows=1_000_000)
    line.send(*things(10))
    until(lambda: stored(line) == list(range(10)))
    sent, copying = 10, list[int]()
    while not copying:
        # Enough records that the worker streams them, until it is seen doing so.
        line.send(*things(1_500, sent))
        sent += 1_500
        copying = backend(line, "query LIKE 'COPY data.%' AND state = 'active'")
    with frozen(*copying):
        until(lambda: failures() > before)
        line.send(*things(50, sent))
    until(lambda: stored(line) == list(range(sent + 50)))
    assert len(outages(caplog)) == 1
    assert line.query("SELECT sum(rows) FROM datasets_batch") == [(sent + 50,)]


def test_a_commit_without_an_answer_is_neither_lost_nor_doubled(
    line: Line, until: Until, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    before, stopped = failures(), list[int]()
    commit = DeadlineConnection.commit

    def commit_frozen(self: DeadlineConnection) -> None:
        if not stopped:
            stopped.append(self.info.backend_pid)
            os.kill(self.info.backend_pid, signal.SIGSTOP)
        commit(self)

    monkeypatch.setattr(DeadlineConnection, "commit", commit_frozen)
    line.start(statement_deadline_s=DEADLINE_S)
    line.send(*things(100))
    until(lambda: failures() > before)
    line.send(*things(100, 100))
    os.kill(stopped[0], signal.SIGCONT)
    until(lambda: len(stored(line)) >= 200)
    assert stored(line) == list(range(200))
    assert len(outages(caplog)) == 1
    assert line.query("SELECT sum(rows) FROM datasets_batch") == [(200,)]


def test_a_frozen_server_is_one_outage_and_flows_again(
    line: Line, until: Until, postgres_server: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    line.start(statement_deadline_s=DEADLINE_S)
    line.send(*things(100))
    until(lambda: len(stored(line)) == 100)
    with frozen(postgres_server.pid, *descendants(postgres_server.pid)):
        line.send(*things(100, 100))
        until(lambda: len(outages(caplog)) == 1)
        time.sleep(8)  # several attempts to connect
    until(lambda: len(stored(line)) >= 200)
    assert stored(line) == list(range(200))
    assert len(outages(caplog)) == 1
    assert line.query("SELECT sum(rows) FROM datasets_batch") == [(200,)]


def descendants(pid: int) -> list[int]:
    children = [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [one for child in children for one in descendants(child)]
