"""PostgreSQL itself confirms the corpus of statements: it rejects what writes in a read-only transaction, and only
that."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGresult

from embedded.postgres import EmbeddedPostgres
from tests.corpus import BEFORE, SCHEMA, STATEMENTS, Statement

REFUSED = "25006"
NOT_HERE = {"25001", "55000", "55006"}
"""Rejected for other reasons: VACUUM runs outside transactions, CLUSTER without open cursors."""

UNENDED = "/* never closed SELECT 1"
LET_THROUGH = "EXPLAIN ANALYZE CREATE TABLE new_orders AS SELECT * FROM orders"
"""PostgreSQL 18 does not reject it in a read-only transaction, and creates the table."""

UNKNOWN_TO_LIBPQ = ("%s", "%b", "%(")
RUNNABLE = [
    statement
    for statement in STATEMENTS
    if "$1 " not in f"{statement.sql} " and not any(mark in statement.sql for mark in UNKNOWN_TO_LIBPQ)
]
ROWS = {ExecStatus.TUPLES_OK, ExecStatus.COPY_OUT}
WITHOUT_ROWS = ("declare", "move", "copy orders to program")
MADE_FIRST = "create function"


@pytest.fixture(scope="module")
def database(postgres_server: EmbeddedPostgres) -> Iterator[psycopg.Connection]:
    """A database with the corpus's tables, dropped after the tests."""
    with psycopg.connect(postgres_server.admin_url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE corpus")
        try:
            with psycopg.connect(postgres_server.admin_url, dbname="corpus", autocommit=True) as connection:
                connection.execute(SCHEMA.encode())
                yield connection
        finally:
            admin.execute("DROP DATABASE corpus WITH (FORCE)")


def run(connection: psycopg.Connection, text: str, *, read_only: bool) -> tuple[str, ExecStatus]:
    """SQLSTATE ("" on success) and kind of result of the statement, in a transaction that is rolled back."""
    low = connection.pgconn
    low.exec_(b"BEGIN READ ONLY" if read_only else b"BEGIN")
    try:
        before = low.exec_(BEFORE.encode())
        assert before.status != ExecStatus.FATAL_ERROR, before.error_message
        answer = drained(connection, low.exec_(text.encode()))
        return (answer.error_field(psycopg.pq.DiagnosticField.SQLSTATE) or b"").decode(), ExecStatus(answer.status)
    finally:
        low.exec_(b"ROLLBACK")
        low.exec_(b"DEALLOCATE ALL")
        low.exec_(b"CLOSE ALL")


def drained(connection: psycopg.Connection, answer: PGresult) -> PGresult:
    """The result, after consuming or feeding a COPY."""
    low = connection.pgconn
    if answer.status == ExecStatus.COPY_IN:
        low.put_copy_end()
        while ended := low.get_result():
            if ended.status == ExecStatus.FATAL_ERROR:
                return ended
    if answer.status == ExecStatus.COPY_OUT:
        while low.get_copy_data(0)[0] > 0:
            pass
        while ended := low.get_result():
            if ended.status == ExecStatus.FATAL_ERROR:
                return ended
    return answer


def refutation(statement: Statement, state: str, status: ExecStatus) -> str:
    """Why the corpus is wrong about the statement, judging by PostgreSQL's result; "" if it is right."""
    text = statement.sql.lower()
    if statement.operation == "write":
        wanted = {"" if statement.sql == LET_THROUGH else REFUSED}
    elif statement.operation == "read":
        wanted = {REFUSED if text.startswith(MADE_FIRST) else ""}
        if status not in ROWS and not text.startswith((*WITHOUT_ROWS, MADE_FIRST)):
            return f"it answers no rows but {status.name}"
    else:
        # Definitions are rejected too, and so may be the contents of a block or a procedure.
        wanted = {state} if statement.sql == UNENDED else {"", REFUSED, *NOT_HERE}
    return "" if state in wanted else f"SQLSTATE {state!r} instead of {sorted(wanted)}"


def test_a_read_only_transaction_rejects_writes_and_allows_reads(
    database: psycopg.Connection,
) -> None:
    reasons = {one: refutation(one, *run(database, one.sql, read_only=True)) for one in RUNNABLE}
    assert {f"{one.operation}: {one.sql}": why for one, why in reasons.items() if why} == {}


def test_a_write_that_postgresql_fails_to_reject_stores_rows(database: psycopg.Connection) -> None:
    with database.transaction(force_rollback=True):
        database.execute(LET_THROUGH.encode())
        assert database.execute("SELECT count(*) FROM new_orders").fetchone() == (2,)


def test_nearly_every_statement_of_the_corpus_was_verified(record_figure: Callable[[str], None]) -> None:
    record_figure(f"{len(RUNNABLE)} of {len(STATEMENTS)} statements ran on PostgreSQL")
    assert len(RUNNABLE) >= 300
