"""Streams the output of COPY … TO STDOUT in chunks."""

import threading
from collections.abc import Iterator
from time import perf_counter
from typing import Any, Final, Self

import psycopg
from django.conf import settings
from psycopg import sql
from psycopg.abc import PQGen
from psycopg.generators import fetch_many
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from psycopg.waiting import Wait

from apps.api.errors import TooManyExports
from apps.api.metrics import EXPORT_BYTES, EXPORTS
from apps.api.records.adapters.database_errors import translate_database_errors
from apps.api.records.adapters.statements import Statement
from apps.datasets.adapters.database.connections import connect
from apps.telemetry import prometheus
from apps.telemetry.postgresql.timer import operation_timer

CHUNK_BYTES: Final = 128 * 1024
ALIAS: Final = "reader"

_slots = threading.BoundedSemaphore(settings.EXPORT_SLOTS)
"""Bounds this process's exports, so that they cannot occupy every thread or every connection of the role."""


class ExportStream(Iterator[bytes]):
    """The bytes of one export. Ends early only by raising, so that a truncated file is always noticed.

    Holds its own connection and slot until `close`.
    """

    def __init__(self, statement: Statement, dataset: str) -> None:
        """Start the COPY and wait for its first chunk.

        Raises TooManyExports, ContractOutdated, QueryTimeout, DatabaseUnavailable: nothing was sent.
        """
        if not _slots.acquire(blocking=False):
            raise TooManyExports
        self._open = True
        self._outcome = "disconnected"
        self._seconds = 0.0
        self._sent = prometheus.counter(EXPORT_BYTES).labels(dataset)
        self._connection: psycopg.Connection[Any] | None = None
        try:
            with translate_database_errors():
                self._connection = self._started(statement)
                self._rest = self._chunks(self._chunk())
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        chunk = next(self._rest, None)
        if chunk is None:
            self._outcome = "completed"
            self.close()
            raise StopIteration
        self._sent.inc(len(chunk))
        return chunk

    def close(self) -> None:
        """Release the connection and the slot; closing the connection aborts an unfinished COPY."""
        if not self._open:
            return
        self._open = False
        _slots.release()
        if self._connection is not None:
            self._connection.close()
            operation_timer(ALIAS).observe_wait("read", self._seconds)
            prometheus.counter(EXPORTS).labels(self._outcome).inc()

    def _started(self, statement: Statement) -> psycopg.Connection[Any]:
        connection = connect(ALIAS, autocommit=True)
        try:
            timeout = sql.Literal(f"{int(settings.API.export_timeout_s * 1000)}ms")
            connection.execute(sql.SQL("SET statement_timeout = {}").format(timeout))
            # COPY has no server-side parameters: psycopg interpolates them.
            connection.pgconn.send_query(
                psycopg.ClientCursor(connection).mogrify(statement.sql, statement.params).encode()
            )
            connection.wait(_copy_started(connection.pgconn))
        except BaseException:
            connection.close()
            raise
        return connection

    def _chunks(self, first: bytes) -> Iterator[bytes]:
        """Yield each chunk before fetching the next: after the first, an error can only break the stream."""
        chunk = first
        while chunk:
            yield chunk
            chunk = self._chunk() if len(chunk) >= CHUNK_BYTES else b""

    def _chunk(self) -> bytes:
        """The next rows, at least CHUNK_BYTES unless they are the last."""
        if self._connection is None:
            return b""
        started = perf_counter()
        try:
            return self._connection.wait(_rows(self._connection.pgconn))
        except psycopg.Error as error:
            self._outcome = "failed"
            operation_timer(ALIAS).count_error("read", error)
            raise
        finally:
            self._seconds += perf_counter() - started


def _copy_started(pgconn: PGconn) -> PQGen[None]:
    _raise_unless((yield from fetch_many(pgconn)), ExecStatus.COPY_OUT)


def _rows(pgconn: PGconn) -> PQGen[bytes]:
    # psycopg's own Copy.read passes through the wait loop once per row, which costs more than the COPY itself.
    rows = bytearray()
    while len(rows) < CHUNK_BYTES:
        size, data = pgconn.get_copy_data(1)
        if size > 0:
            rows += data
        elif size == 0:
            while not (yield Wait.R):
                continue
            pgconn.consume_input()
        else:
            _raise_unless((yield from fetch_many(pgconn)), ExecStatus.COMMAND_OK)
            break
    return bytes(rows)


def _raise_unless(results: list[Any], status: ExecStatus) -> None:
    if results[-1].status != status:
        raise psycopg.errors.error_from_result(results[-1])
