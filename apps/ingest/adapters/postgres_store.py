"""The store on PostgreSQL: COPY, rejects, ledger and positions in one transaction of one session."""

import datetime
import select
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, Final

import psycopg
from psycopg.types.json import set_json_dumps

from apps.datasets.adapters.table.ledger import BatchEntry, ensure_ledger_days, insert_batches, next_batch_ids
from apps.datasets.adapters.table.numeric_dumper import register_numeric_dumper
from apps.datasets.adapters.table.partitions import ensure_months
from apps.datasets.core.contract.contract import WriteMode
from apps.datasets.core.table.ddl import column_list, table_sql
from apps.datasets.core.table.upsert import merge_sql, stage_sql
from apps.ingest.adapters.positions import (
    advance_positions,
    claim_positions,
    move_positions,
    record_attempts,
    release_positions,
    set_error,
    set_refusal,
    set_unreadable,
)
from apps.ingest.adapters.postgres_errors import DUMP_ERRORS, translate_errors, unencodable
from apps.ingest.adapters.quarantine_rows import insert_rejects
from apps.ingest.core.bisection import bisect_refused
from apps.ingest.core.errors import IngestError, RecordRefused, RetriableStoreError
from apps.ingest.core.ports import DatasetBatch, SourceClaim, TargetTable
from apps.ingest.core.records import OffsetAndEpoch, Position, Row, SourceKey

Connection = psycopg.Connection[Any]

KEEPALIVE: Final = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Detects a lost network after half a minute, not two hours."""

LOCK_TIMEOUT_MS: Final = 10_000
SESSION: Final = f"SET lock_timeout = {LOCK_TIMEOUT_MS}; SET idle_in_transaction_session_timeout = '10min'"
_ID_BLOCK: Final = 64
_MOST_STAGES: Final = 200
"""Staging tables per session; each costs a little at every commit of an upsert."""

_SEGMENT: Final = 500
"""Rows that are tried together where PostgreSQL is known to reject some."""


class PostgresStore:
    """The session of one worker, opened on first use and reopened when lost."""

    def __init__(self, connect: Callable[[], Connection], *, worker: str) -> None:
        self._connect = connect
        self._worker = worker
        self._session: Connection | None = None
        self._copy: tuple[AbstractContextManager[psycopg.Copy], psycopg.Copy] | None = None
        self._target: TargetTable | None = None
        self._ids: deque[int] = deque()
        self._stages: dict[int, TargetTable] = {}
        """The staging tables of the session, by dataset id."""
        self._new_stages: set[int] = set()
        """Those that a rollback removes."""
        self._staged: dict[int, TargetTable] = {}
        """The datasets with rows to merge in the open batch."""

    @property
    def current_target(self) -> TargetTable | None:
        """The dataset that the last statement was about, None for statements about all."""
        return self._target

    def claim(self, claims: Sequence[SourceClaim]) -> list[Position | IngestError]:
        """The positions of these sources, now owned by this worker under new epochs, or why one cannot be claimed."""
        with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
            return claim_positions(cursor, claims, owner=self._worker)

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

    def record_attempts(self, attempts: Sequence[tuple[Position, int, int]]) -> None:
        """Store, before this process may crash, what it processes: (position, first offset, number of records)."""
        with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
            record_attempts(cursor, attempts)

    def set_unreadable(self, dataset_id: int, message: str) -> None:
        """Store for every source of the dataset why it cannot be read, and release those that we own."""
        with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
            set_unreadable(cursor, dataset_id, message)

    def reserve_ids(self, count: int) -> None:
        """Make this many new ids for the ledger available; unused ones are lost with the session."""
        if len(self._ids) < count:
            with translate_errors(), self._short_transaction() as session, session.cursor() as cursor:
                self._ids.extend(next_batch_ids(cursor, max(count, _ID_BLOCK)))

    def batch_id(self) -> int:
        """A reserved id for the ledger."""
        return self._ids.popleft()

    def ensure_months(
        self, target: TargetTable, first: datetime.date, last: datetime.date, *, lock_timeout_ms: int
    ) -> None:
        """Create the dataset's monthly partitions from `first` to `last`, in a separate transaction."""
        with translate_errors(in_table=True):
            self._end_copy()
            self._target = target
            session = self._live_session()
            if session.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                _ensure_months(session, target, first, last, lock_timeout_ms)
                return
            # The open transaction stays; its next COPY sees the new partitions.
            with self._connect() as other:
                _ensure_months(other, target, first, last, lock_timeout_ms)

    def ensure_days(self) -> None:
        """Create the ledger's daily partitions for today and a week ahead."""
        with translate_errors():
            ensure_ledger_days(self._idle_session())

    def open(self, *, lock_timeout_ms: int) -> None:
        """Start a batch. Statements that wait for a table's lock for longer raise TableUnavailable."""
        with translate_errors():
            self._idle_session().execute(f"SET LOCAL lock_timeout = {lock_timeout_ms:d}")

    def write(self, target: TargetTable, rows: Sequence[Row]) -> None:
        """Add rows to the open batch; PostgreSQL stores them while the caller decodes the next ones."""
        with translate_errors(in_table=True):
            if self._copy is None or self._target is not target:
                self._end_copy()
                self._target = target
                self._begin_copy(target)
            self._write_rows(rows)
            if self._has_answered():
                # Inside COPY the server sends only errors: the remaining rows would be sent in vain.
                self._end_copy()

    def finish(self) -> None:
        """Have PostgreSQL validate the rows of the open batch."""
        with translate_errors(in_table=True):
            self._end_copy()
            session = self._live_session()
            # In a fixed order: two workers that merge the same datasets must not deadlock.
            for dataset_id in sorted(self._staged):
                self._target = self._staged[dataset_id]
                session.execute(merge_sql(self._target.contract, _stage_name(self._target)))
        self._target = None

    def bisect(self, target: TargetTable, rows: Sequence[Row]) -> list[tuple[Row, RecordRefused]]:
        """Add the rows that PostgreSQL accepts to the open batch; return the others, each with its error."""
        session = self._live_session()
        self._target = target
        upsert = target.contract.mode is WriteMode.UPSERT
        if upsert:
            with translate_errors(in_table=True):
                # Outside the savepoints, which would drop it together with a rejected chunk.
                self._stage(target)

        def store(chunk: Sequence[Row]) -> None:
            with translate_errors(in_table=True), session.transaction():
                try:
                    self._begin_copy(target)
                    self._write_rows(chunk)
                    self._end_copy()
                    if upsert:
                        stage = _stage_name(target)
                        session.execute(merge_sql(target.contract, stage))
                        session.execute(f"TRUNCATE {stage}")
                finally:
                    self._abort_copy()

        refused = bisect_refused(rows, store, most=_SEGMENT)
        self._staged.pop(target.dataset_id, None)
        return refused

    def commit(self, parts: Sequence[DatasetBatch]) -> None:
        """Commit the finished batch: rejects, ledger, positions."""
        self._target = None
        with translate_errors():
            session = self._live_session()
            session.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS:d}")
            with session.cursor() as cursor:
                insert_rejects(cursor, parts)
                insert_batches(cursor, [entry for part in parts for entry in ledger_entries(part, self._worker)])
                move_positions(cursor, [batch for part in parts for batch in part.source_batches.values()])
            session.commit()
        self._staged.clear()
        self._new_stages.clear()

    def reset(self) -> None:
        """Roll back the open batch; close the session if that fails."""
        if self._session is None:
            return
        self._abort_copy()
        self._target = None
        self._forget_stages(self._new_stages)
        self._new_stages.clear()
        self._staged.clear()
        try:
            self._session.rollback()
        except psycopg.Error:
            self.close()
        if self._session is not None and self._session.broken:
            self.close()

    def close(self) -> None:
        """End the session."""
        session, self._session, self._copy = self._session, None, None
        for state in (self._ids, self._stages, self._new_stages, self._staged):
            state.clear()
        if session is not None:
            with suppress(psycopg.Error):
                session.close()

    def _write_rows(self, rows: Sequence[Row]) -> None:
        if self._copy is None:
            raise RetriableStoreError("no batch is open")
        write_row = self._copy[1].write_row
        try:
            for row in rows:
                write_row(row)
        except (psycopg.DataError, *DUMP_ERRORS) as error:
            raise unencodable(error, next(number for number, one in enumerate(rows) if one is row)) from error

    def _has_answered(self) -> bool:
        """Whether the server has sent something that was not read yet."""
        waiting = select.poll()
        waiting.register(self._live_session().fileno(), select.POLLIN)
        return bool(waiting.poll(0))

    def _begin_copy(self, target: TargetTable) -> None:
        table = table_sql(target.contract)
        if target.contract.mode is WriteMode.UPSERT:
            table = self._stage(target)
            self._staged[target.dataset_id] = target
        columns = column_list(target.decoder.columns)
        block = self._live_session().cursor().copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT BINARY)")
        copy = block.__enter__()
        self._copy = (block, copy)
        copy.set_types(target.decoder.wires)

    def _stage(self, target: TargetTable) -> str:
        """The name of the session's staging table for this dataset; creates it, or replaces another version's."""
        name, session = _stage_name(target), self._live_session()
        if self._stages.get(target.dataset_id) is not target:
            if len(self._stages) >= _MOST_STAGES:
                unused = self._stages.keys() - self._staged.keys()
                session.execute("".join(f"DROP TABLE IF EXISTS {_stage_name(self._stages[one])};" for one in unused))
                self._forget_stages(unused)
            session.execute(f"DROP TABLE IF EXISTS {name}")
            session.execute(stage_sql(target.contract, name))
            self._stages[target.dataset_id] = target
            self._new_stages.add(target.dataset_id)
        return name

    def _forget_stages(self, dataset_ids: Collection[int]) -> None:
        """Forget staging tables that no longer exist."""
        for dataset_id in dataset_ids:
            self._stages.pop(dataset_id, None)

    def _end_copy(self) -> None:
        if self._copy is not None:
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


def ledger_entries(part: DatasetBatch, worker: str) -> list[BatchEntry]:
    """The ledger entries of one dataset's share of a batch, one per source."""
    return [
        BatchEntry(
            id=batch.batch_id,
            dataset_id=part.dataset_id,
            version=part.target.contract_version,
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
        for batch in part.source_batches.values()
    ]


def _ensure_months(
    session: Connection, target: TargetTable, first: datetime.date, last: datetime.date, lock_timeout_ms: int
) -> None:
    with session.transaction():
        session.execute(f"SET LOCAL lock_timeout = {lock_timeout_ms:d}")
        ensure_months(session, target.dataset_id, first, last)


def _stage_name(target: TargetTable) -> str:
    return f"anden_stage_{target.dataset_id}"
