"""The store on PostgreSQL: COPY, rejects, ledger and positions in one transaction of one session."""

import datetime
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

import psycopg
from psycopg.types.json import set_json_dumps

from apps.datasets.adapters.table.ledger import BatchEntry, ensure_ledger_days, insert_batches, next_batch_ids
from apps.datasets.adapters.table.numeric_dumper import register_numeric_dumper
from apps.datasets.adapters.table.partitions import ensure_months
from apps.datasets.core.contract.contract import WriteMode
from apps.datasets.core.table.ddl import column_list, table_sql
from apps.datasets.core.table.upsert import STAGE, merge_sql, stage_sql
from apps.ingest.adapters.positions import (
    advance_positions,
    claim_position,
    move_positions,
    record_attempt,
    release_positions,
    set_error,
    set_refusal,
    set_unreadable,
)
from apps.ingest.adapters.postgres_errors import DUMP_ERRORS, translate_errors, unencodable
from apps.ingest.adapters.quarantine_rows import insert_rejects
from apps.ingest.core.bisection import bisect_refused
from apps.ingest.core.errors import RecordRefused, RetriableStoreError
from apps.ingest.core.ports import SourceClaim, TargetTable
from apps.ingest.core.records import OffsetAndEpoch, Position, Row, SourceBatch, SourceKey

Connection = psycopg.Connection[Any]

KEEPALIVE: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Detects a lost network after half a minute, not two hours."""

SESSION: Final = "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '10min'"
_ID_BLOCK: Final = 64


class PostgresStore:
    """The session of one worker, opened on first use and reopened when lost."""

    def __init__(self, connect: Callable[[], Connection], *, worker: str) -> None:
        self._connect = connect
        self._worker = worker
        self._session: Connection | None = None
        self._copy: tuple[AbstractContextManager[psycopg.Copy], psycopg.Copy] | None = None
        self._target: TargetTable | None = None
        self._ids: list[int] = []

    def claim(self, claim: SourceClaim) -> Position:
        """The position of a source, now owned by this worker under a new epoch."""
        with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
            return claim_position(cursor, claim, owner=self._worker)

    def release(self, positions: Sequence[Position]) -> None:
        """Clear the owner of these positions, except where the epoch is newer."""
        with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
            release_positions(cursor, positions)

    def advance(self, ends: Sequence[tuple[Position, OffsetAndEpoch]]) -> set[int]:
        """Move these positions past transaction markers; return the ids of the sources that moved."""
        with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
            return advance_positions(cursor, ends)

    def set_refusal(self, dataset_id: int, topic: str, message: str) -> bool:
        """Store for every source of a topic why it cannot be read; create a source if none exists."""
        with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
            return set_refusal(cursor, dataset_id, topic, message)

    def set_error(self, key: SourceKey, message: str) -> None:
        """Store the error that stopped the source's pipeline."""
        with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
            set_error(cursor, key, message)

    def record_attempt(self, position: Position, *, records: int) -> None:
        """Store, before this process may crash, that it processes so many records from the position on."""
        with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
            record_attempt(cursor, position, records)

    def set_unreadable(self, dataset_id: int, message: str) -> None:
        """Store for every source of the dataset why it cannot be read, and release those that we own."""
        with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
            set_unreadable(cursor, dataset_id, message)

    def batch_ids(self, count: int) -> list[int]:
        """New ids for the ledger, allocated in blocks; unused ones are lost with the session."""
        if len(self._ids) < count:
            with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
                self._ids += next_batch_ids(cursor, max(count, _ID_BLOCK))
        taken, self._ids = self._ids[:count], self._ids[count:]
        return taken

    def ensure_months(self, dataset_id: int, first: datetime.date, last: datetime.date) -> None:
        """Create the dataset's monthly partitions from `first` to `last`."""
        with translate_errors():
            ensure_months(self._idle_session(), dataset_id, first, last)

    def ensure_days(self) -> None:
        """Create the ledger's daily partitions for today and a week ahead."""
        with translate_errors():
            ensure_ledger_days(self._idle_session())

    def open(self, target: TargetTable) -> None:
        """Start a batch; its COPY stays open for further calls of `write`."""
        with translate_errors():
            session = self._idle_session()
            self._target = target
            if target.contract.mode is WriteMode.UPSERT:
                session.execute(stage_sql(target.contract))
            self._begin_copy(session, target)

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows to the open batch; PostgreSQL stores them while the caller decodes the next ones."""
        if self._copy is None:
            raise RetriableStoreError("no batch is open")
        with translate_errors():
            write_row = self._copy[1].write_row
            try:
                for row in rows:
                    write_row(row)
            except (psycopg.DataError, *DUMP_ERRORS) as error:
                raise unencodable(error, next(number for number, one in enumerate(rows) if one is row)) from error

    def finish(self) -> None:
        """Have PostgreSQL validate the rows of the open batch."""
        with translate_errors():
            self._end_copy()
            if self._target is not None and self._target.contract.mode is WriteMode.UPSERT:
                self._live_session().execute(merge_sql(self._target.contract))

    def bisect(self, target: TargetTable, rows: Sequence[Row]) -> list[tuple[Row, RecordRefused]]:
        """Start a batch with the rows that PostgreSQL accepts; return the others, each with its error."""
        session = self._idle_session()
        self._target = target
        upsert = target.contract.mode is WriteMode.UPSERT

        def store(chunk: Sequence[Row]) -> None:
            with translate_errors(), session.transaction():
                if upsert:
                    session.execute(f"DROP TABLE IF EXISTS {STAGE}")
                    session.execute(stage_sql(target.contract))
                try:
                    self._begin_copy(session, target)
                    self.write(chunk)
                    self.finish()
                finally:
                    self._abort_copy()

        with translate_errors():
            # Opens the transaction, so that each chunk is a savepoint in it.
            session.execute("SELECT")
        return bisect_refused(rows, store)

    def commit(self, target: TargetTable, batches: Sequence[SourceBatch]) -> None:
        """Commit the finished batch: rejects, ledger, positions."""
        with translate_errors():
            session = self._live_session()
            with session.cursor() as cursor:
                insert_rejects(cursor, target, batches)
                insert_batches(cursor, [ledger_entry(target, batch, self._worker) for batch in batches])
                move_positions(cursor, batches)
            session.commit()

    def reset(self) -> None:
        """Roll back the open batch; close the session if that fails."""
        if self._session is None:
            return
        self._abort_copy()
        self._target = None
        try:
            self._session.rollback()
        except psycopg.Error:
            self.close()
        if self._session is not None and self._session.broken:
            self.close()

    def close(self) -> None:
        """End the session."""
        session, self._session, self._copy, self._ids = self._session, None, None, []
        if session is not None:
            with suppress(psycopg.Error):
                session.close()

    def _begin_copy(self, session: Connection, target: TargetTable) -> None:
        table = STAGE if target.contract.mode is WriteMode.UPSERT else table_sql(target.contract)
        columns = column_list(target.decoder.columns)
        block = session.cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)")
        copy = block.__enter__()
        self._copy = (block, copy)
        copy.set_types(target.decoder.wires)

    def _end_copy(self) -> None:
        if self._copy is None:
            raise RetriableStoreError("no batch is open")
        block, self._copy = self._copy[0], None
        block.__exit__(None, None, None)

    def _abort_copy(self) -> None:
        """Abort an open COPY."""
        copy, self._copy = self._copy, None
        if copy is not None:
            with suppress(psycopg.Error, CopyAborted):
                copy[0].__exit__(CopyAborted, CopyAborted(), None)

    def _live_session(self) -> Connection:
        if self._session is None or self._session.closed:
            self.close()
            self._session = self._connect()
            with self._session.transaction():
                self._session.execute(SESSION)
            set_json_dumps(bytes, self._session)
            register_numeric_dumper(self._session)
        return self._session

    def _idle_session(self) -> Connection:
        """The session, outside any transaction."""
        session = self._live_session()
        if session.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            raise RetriableStoreError("a batch is unexpectedly open")
        return session

    def _short_transaction(self) -> "ShortTransaction":
        return ShortTransaction(self._idle_session())


class CopyAborted(Exception):
    """Aborts a COPY in psycopg."""


class ShortTransaction(AbstractContextManager[Connection]):
    """A transaction around one statement, outside any batch."""

    def __init__(self, session: Connection) -> None:
        self._session = session
        self._transaction = session.transaction()

    def __enter__(self) -> Connection:
        self._transaction.__enter__()
        return self._session

    def __exit__(self, *error: Any) -> bool | None:
        return self._transaction.__exit__(*error)


def ledger_entry(target: TargetTable, batch: SourceBatch, worker: str) -> BatchEntry:
    """The ledger entry of one source's share of a batch."""
    return BatchEntry(
        id=batch.batch_id,
        dataset_id=target.dataset_id,
        version=target.contract_version,
        source_id=batch.position.source_id,
        first_offset=batch.first_offset,
        last_offset=batch.last_offset,
        rows=len(batch.rows),
        rejects=len(batch.rejects) + batch.dropped,
        bytes=batch.bytes,
        min_event_time=batch.min_event_time,
        max_event_time=batch.max_event_time,
        worker=worker,
    )
