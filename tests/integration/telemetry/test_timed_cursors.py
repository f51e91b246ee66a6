"""However a statement reaches PostgreSQL, it is observed once, under its operation."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from prometheus_client import REGISTRY
from psycopg import sql
from pytest_django import DjangoDbBlocker

from apps.telemetry.postgresql.base import DatabaseWrapper
from apps.telemetry.postgresql.cursors import timed_cursor
from embedded.postgres import EmbeddedPostgres
from tests.station import Station

Counts = dict[str, int]
Connection = psycopg.Connection[Any]


def counts(alias: str) -> Counts:
    """Observations so far, by operation."""
    name = "anden_database_operation_seconds_count"
    values = {
        operation: REGISTRY.get_sample_value(name, {"alias": alias, "operation": operation})
        for operation in ("read", "write", "other")
    }
    return {operation: int(value or 0) for operation, value in values.items()}


def seconds(alias: str, operation: str) -> float:
    name = "anden_database_operation_seconds_sum"
    return REGISTRY.get_sample_value(name, {"alias": alias, "operation": operation}) or 0.0


def errors(alias: str, operation: str, sqlstate_class: str) -> float:
    labels = {"alias": alias, "operation": operation, "sqlstate_class": sqlstate_class}
    return REGISTRY.get_sample_value("anden_database_errors_total", labels) or 0.0


def added(before: Counts, alias: str) -> Counts:
    """New observations, without operations that had none."""
    return {name: after - before[name] for name, after in counts(alias).items() if after != before[name]}


@pytest.fixture(scope="module")
def raw(postgres_server: EmbeddedPostgres) -> Iterator[Connection]:
    with psycopg.connect(postgres_server.admin_url, cursor_factory=timed_cursor("raw")) as connection:
        connection.execute("CREATE TEMP TABLE t (a integer, b text)")
        connection.commit()
        yield connection


def copy_in(connection: Connection) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY t FROM STDIN (FORMAT binary)") as copy:
        copy.set_types(["int4", "text"])
        for number in range(10_000):
            copy.write_row((number, "x" * 20))


def write_text(connection: Connection, statement: str) -> None:
    with connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        copy.write("1\t2\t3\n")


def copy_out(connection: Connection) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY (SELECT 1 UNION ALL SELECT 2) TO STDOUT") as copy:
        assert b"".join(bytes(block) for block in copy) == b"1\n2\n"


def copy_out_rows(connection: Connection) -> None:
    with connection.cursor() as cursor, cursor.copy("COPY (SELECT 1 UNION ALL SELECT 2) TO STDOUT") as copy:
        assert list(copy.rows()) == [("1",), ("2",)]


def stream(connection: Connection) -> None:
    with connection.cursor() as cursor:
        assert [row for (row,) in cursor.stream("SELECT generate_series(1, 5)")] == [1, 2, 3, 4, 5]


def stream_left_early(connection: Connection) -> None:
    with connection.cursor() as cursor:
        rows = cursor.stream("SELECT generate_series(1, 10000000)")
        assert next(rows) == (1,)
        rows.close()  # type: ignore[attr-defined] # a generator
    connection.rollback()  # psycopg cancelled the rest


def many(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, 'x')", [(1,), (2,), (3,)])


def composed(connection: Connection) -> None:
    connection.execute(sql.SQL("SELECT {}").format(sql.Literal(1)))
    connection.execute(b"DELETE FROM t WHERE a < 0")


@pytest.mark.parametrize("operation", ["read", "write", "other"])
def test_the_out_of_resources_series_starts_at_zero(raw: Connection, operation: str) -> None:
    """So that Prometheus sees the first burst of errors as an increase."""
    assert raw.closed is False
    labels = {"alias": "raw", "operation": operation, "sqlstate_class": "53"}
    assert REGISTRY.get_sample_value("anden_database_errors_total", labels) == 0.0


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (copy_in, {"write": 1}),
        (copy_out, {"read": 1}),
        (copy_out_rows, {"read": 1}),
        (stream, {"read": 1}),
        (stream_left_early, {"read": 1}),
        (many, {"write": 1}),
        (composed, {"read": 1, "write": 1}),
        (lambda connection: connection.execute("SET search_path TO public"), {"other": 1}),
    ],
)
def test_each_method_of_a_raw_cursor_is_observed_once(
    raw: Connection, act: Callable[[Connection], object], expected: Counts
) -> None:
    before = counts("raw")
    act(raw)
    assert added(before, "raw") == expected


def test_the_rows_of_a_timed_copy_arrive(raw: Connection) -> None:
    with raw.transaction():
        raw.execute("DELETE FROM t")
        copy_in(raw)
        assert raw.execute("SELECT count(*), sum(a), min(b) FROM t").fetchone() == (
            10_000,
            49_995_000,
            "x" * 20,
        )


def test_a_failed_statement_is_observed_and_counted_by_its_class(raw: Connection) -> None:
    before = counts("raw")
    with pytest.raises(psycopg.errors.UndefinedTable), raw.transaction():
        raw.execute("SELECT * FROM nowhere")
    with pytest.raises(psycopg.errors.BadCopyFileFormat), raw.transaction():
        write_text(raw, "COPY t FROM STDIN")
    with pytest.raises(psycopg.errors.UndefinedTable), raw.transaction():
        write_text(raw, "COPY nowhere FROM STDIN")
    with pytest.raises(psycopg.errors.DivisionByZero), raw.transaction(), raw.cursor() as cursor:
        list(cursor.stream("SELECT 1 / (3 - n) FROM generate_series(1, 5) n"))
    assert added(before, "raw") == {"read": 2, "write": 2}
    assert errors("raw", "read", "42") == 1
    assert errors("raw", "read", "22") == 1
    assert errors("raw", "write", "22") == 1
    assert errors("raw", "write", "42") == 1


def test_a_copy_counts_time_waiting_and_not_the_callers_work(raw: Connection) -> None:
    before = seconds("raw", "read")
    with raw.transaction(), raw.cursor() as cursor, cursor.copy("COPY (SELECT 1) TO STDOUT") as copy:
        sum(range(100_000))  # the caller works; this is not time spent waiting
        inside = seconds("raw", "read")
        assert list(copy) == [b"1\n"]
    assert inside == before < seconds("raw", "read")


def test_the_cursor_class_of_an_alias_is_created_once() -> None:
    assert timed_cursor("raw") is timed_cursor("raw")
    assert timed_cursor("raw") is not timed_cursor("other")


def wrapper(server: EmbeddedPostgres, **options: Any) -> DatabaseWrapper:
    """Django's wrapper for the embedded server."""
    url = psycopg.conninfo.conninfo_to_dict(server.admin_url)
    return DatabaseWrapper(
        {
            "NAME": url["dbname"],
            "USER": url["user"],
            "PASSWORD": url["password"],
            "HOST": url["host"],
            "PORT": url["port"],
            "OPTIONS": options,
            "ATOMIC_REQUESTS": False,
            "AUTOCOMMIT": True,
            "CONN_MAX_AGE": 0,
            "CONN_HEALTH_CHECKS": False,
            "TIME_ZONE": None,
            "TEST": {},
        },
        alias="wrapped",
    )


@pytest.fixture(params=[{}, {"server_side_binding": True}, {"pool": {"min_size": 1, "max_size": 2}}], ids=str)
def wrapped(
    postgres_server: EmbeddedPostgres, request: pytest.FixtureRequest, django_db_blocker: DjangoDbBlocker
) -> Iterator[DatabaseWrapper]:
    database = wrapper(postgres_server, **request.param)
    with django_db_blocker.unblock():
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")
        yield database
        database.close()
        database.close_pool()


def test_djangos_own_cursors_are_observed(wrapped: DatabaseWrapper) -> None:
    before = counts("wrapped")
    with wrapped.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE u (a integer)")
        cursor.executemany("INSERT INTO u VALUES (%s)", [(1,), (2,)])
        cursor.execute("SELECT sum(a) FROM u WHERE a > %s", [0])
        assert cursor.fetchone() == (3,)
        with cursor.copy("COPY u TO STDOUT") as copy:
            assert sorted(bytes(block) for block in copy) == [b"1\n", b"2\n"]
        cursor.execute("DROP TABLE u")
    assert added(before, "wrapped") == {"read": 2, "write": 1, "other": 2}


def test_each_fetch_of_a_server_side_cursor_is_a_read(wrapped: DatabaseWrapper) -> None:
    before = counts("wrapped")
    with wrapped.chunked_cursor() as cursor:
        cursor.execute("SELECT generate_series(1, 250)")
        fetched = [len(cursor.fetchmany(100)) for _ in range(3)]
    assert fetched == [100, 100, 50]
    assert added(before, "wrapped") == {"read": 4}


def test_a_commit_is_observed(wrapped: DatabaseWrapper) -> None:
    before = counts("wrapped")
    wrapped.set_autocommit(False)
    with wrapped.cursor() as cursor:
        cursor.execute("SELECT 1")
    wrapped.commit()
    wrapped.set_autocommit(True)
    assert added(before, "wrapped") == {"read": 1, "other": 1}


@pytest.mark.parametrize("alias", ["ingest", "writer", "reader", "owner", "default"])
def test_the_raw_connections_of_every_role_are_observed_under_its_alias(station: Station, alias: str) -> None:
    before = counts(alias)
    with station.connect(alias) as connection:
        connection.execute("SELECT 1")
    assert added(before, alias) == {"read": 1}
