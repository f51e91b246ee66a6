"""Commit the open batch: all datasets in one transaction, without savepoints.

If a dataset is at fault, the transaction is rolled back and run again without it. What a batch holds in memory is
complete, so it can be written again at any time.
"""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.datasets.core.errors import BadRecord
from apps.datasets.core.table.month_bounds import month_start
from apps.ingest.adapters.instrumentation import timed_phase
from apps.ingest.core.errors import (
    Fenced,
    IngestError,
    PartitionMissing,
    QuarantineRefused,
    RecordRefused,
    RetriableStoreError,
    TableUnavailable,
)
from apps.ingest.core.ports import DatasetBatch, Store, TargetTable
from apps.ingest.core.records import SourceBatch
from apps.ingest.core.refusals import refused_record
from apps.ingest.core.rejects import UNREADABLE
from apps.ingest.services.record_decoder import RecordDecoder

MOST_DATASETS: Final = 200
"""Datasets in one transaction: each holds locks on its table, a partition and their indexes."""

LOCK_TIMEOUT_MS: Final = 500
RETRY_LOCK_TIMEOUT_MS: Final = 50
"""How long to wait for a table that was locked before; the others wait meanwhile."""

MOST_UNAVAILABLE: Final = 3
"""Tables of one batch that cannot be written for the same reason: then the server is at fault."""


@dataclass(frozen=True, slots=True)
class DatasetFault:
    """Why a dataset's share of a batch is not, or not completely, stored."""

    target: TargetTable
    error: Exception


@dataclass(slots=True)
class CommitOutcome:
    """What became of a batch: the shares that are committed, and the faults of others."""

    committed: list[DatasetBatch] = field(default_factory=list)
    faults: list[DatasetFault] = field(default_factory=list)


class BatchCommitter:
    """Writes the shares of datasets to the store's open transaction, and commits them.

    Every method raises RetriableStoreError: call `reset`.
    """

    def __init__(self, store: Store, decoder: RecordDecoder) -> None:
        self._store = store
        self._decoder = decoder
        self._months: dict[int, set[datetime.date]] = {}
        self._written: dict[int, DatasetBatch] = {}
        """The shares in the open transaction."""
        self._errors: dict[int, Exception] = {}
        """The errors of datasets that are set aside until the others are committed."""
        self._careful: set[int] = set()
        """The datasets whose last batch failed: they get transactions of their own."""

    @property
    def is_writing(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._written)

    def may_stream(self, part: DatasetBatch) -> bool:
        """Whether the share can be written before the batch closes."""
        dataset_id = part.dataset_id
        if dataset_id in self._careful or dataset_id in self._errors:
            return False
        return dataset_id in self._written or len(self._written) < MOST_DATASETS

    def stream(self, part: DatasetBatch) -> None:
        """Decode the share's pending records and write them to the open transaction."""
        try:
            self._decode(part)
            self._write(part)
        except RetriableStoreError:
            raise
        except Exception as error:  # noqa: BLE001  handled when the batch closes
            self._set_aside(self._culprits([*self._written.values(), part], error) or [part], error)

    def commit(self, parts: Sequence[DatasetBatch], outcome: CommitOutcome) -> None:
        """Commit these shares, and add to the outcome what became of them. The store is idle afterwards."""
        stored = sorted(parts, key=lambda part: (part.dataset_id not in self._written, part.dataset_id))
        apart = self._careful | self._errors.keys()
        together = [part for part in stored if part.dataset_id not in apart]
        alone = [part for part in stored if part.dataset_id in apart]
        for start in range(0, len(together), MOST_DATASETS):
            alone += self._commit_together(together[start : start + MOST_DATASETS], outcome)
        for part in alone:
            self._commit_alone(part, outcome)
        outcome.faults += [DatasetFault(part.target, part.fault) for part in parts if part.fault is not None]
        self._errors.clear()

    def reset(self) -> None:
        """Roll the open transaction back."""
        self._rollback()
        self._errors.clear()

    def _decode(self, part: DatasetBatch) -> None:
        """Decode the pending records, and create the months that the rows need."""
        pending, part.pending, part.pending_count = part.pending, {}, 0
        missing: set[datetime.date] = set()
        known = self._months.setdefault(part.dataset_id, set())
        for source_id, (position, records) in pending.items():
            if part.fault is not None:
                return
            held = part.source_batches.get(source_id)
            batch_id = held.batch_id if held is not None else self._store.batch_id()
            source_batch = self._decoder.decode(part, position, records, batch_id)
            if source_batch is None:
                continue
            missing |= missing_months(part.target, source_batch, known)
            if held is None:
                part.source_batches[source_id] = source_batch
            else:
                held.extend(source_batch)
        self._create_months(part.target, missing)

    def _write(self, part: DatasetBatch) -> None:
        """Write the share's new rows to the open transaction."""
        if not self._written:
            self._store.open(lock_timeout_ms=LOCK_TIMEOUT_MS)
        self._written[part.dataset_id] = part
        rows = part.unwritten()
        if rows:
            with timed_phase("copy"):
                self._store.write(part.target, rows)
        part.set_written()

    def _commit_together(self, group: list[DatasetBatch], outcome: CommitOutcome) -> list[DatasetBatch]:
        """Commit these shares in one transaction; return those that must be stored alone."""
        alone: list[DatasetBatch] = []
        days_created = False
        while group:
            try:
                for part in group:
                    # PostgreSQL stores the rows of one dataset while the worker decodes the next one's.
                    self._decode(part)
                    self._write(part)
                group = [part for part in group if part.source_batches]
                with timed_phase("copy"):
                    self._store.finish()
                with timed_phase("commit"):
                    self._store.commit(group)
            except RetriableStoreError:
                raise
            except Exception as error:  # noqa: BLE001  only one dataset may be at fault
                culprits = self._culprits(group, error)
                if isinstance(error, PartitionMissing) and not culprits and not days_created:
                    self._rollback()
                    self._store.ensure_days()
                    days_created = True
                    continue
                # After an unexpected error the outcome is unknown: only their positions tell what is stored.
                known = isinstance(error, IngestError) and not culprits
                self._set_aside(culprits or group, None if known else error)
                self._check_server(error)
                alone += culprits or group
                group = [part for part in group if part not in alone]
            else:
                self._written = {}
                outcome.committed += group
                break
        return alone

    def _commit_alone(self, part: DatasetBatch, outcome: CommitOutcome) -> None:
        """Commit a share in a transaction of its own, without the rows that PostgreSQL rejects."""
        error = self._errors.pop(part.dataset_id, None)
        if error is not None and not isinstance(error, RecordRefused | PartitionMissing):
            self._fail(part, error, outcome)
            return
        try:
            self._decode(part)
            if not part.source_batches:
                return
            if isinstance(error, PartitionMissing):
                self._create_partitions(part)
            refused = self._store_alone(part)
        except RetriableStoreError:
            raise
        except Exception as failure:  # noqa: BLE001  reported with the dataset
            self._rollback()
            self._fail(part, failure, outcome)
            return
        if not refused:
            self._careful.discard(part.dataset_id)
        else:
            self._careful.add(part.dataset_id)
        outcome.committed.append(part)

    def _store_alone(self, part: DatasetBatch, *, created: bool = False) -> int:
        """Commit the share; return how many rows PostgreSQL rejected.

        Raises QuarantineRefused: the quarantine or the ledger rejects a row.
        """
        try:
            self._store.open(lock_timeout_ms=self._lock_timeout_ms(part.dataset_id))
            with timed_phase("copy"):
                refused = self._store.bisect(
                    part.target, [row for batch in part.source_batches.values() for row in batch.rows]
                )
            for source_batch in part.source_batches.values():
                reject_refused(part.target, source_batch, refused)
            with timed_phase("commit"):
                self._store.commit([part])
        except PartitionMissing as error:
            if created:
                self._months.pop(part.dataset_id, None)
                raise RetriableStoreError(f"a partition that was just created is missing: {error}") from error
            self._rollback()
            self._create_partitions(part)
            return self._store_alone(part, created=True)
        except RecordRefused as error:
            raise QuarantineRefused(f"the quarantine or the ledger rejected a row: {error}") from error
        return len(refused)

    def _lock_timeout_ms(self, dataset_id: int) -> int:
        return RETRY_LOCK_TIMEOUT_MS if dataset_id in self._careful else LOCK_TIMEOUT_MS

    def _fail(self, part: DatasetBatch, error: Exception, outcome: CommitOutcome) -> None:
        self._careful.add(part.dataset_id)
        part.fault = None
        outcome.faults.append(DatasetFault(part.target, error))

    def _culprits(self, group: Sequence[DatasetBatch], error: Exception) -> list[DatasetBatch]:
        """The shares at fault: those that the error names, or the one that the store was working on; maybe none."""
        if isinstance(error, Fenced):
            return [part for part in group if part.source_batches.keys() & error.source_ids]
        target = self._store.current_target
        return [part for part in group if part.target is target]

    def _set_aside(self, parts: Sequence[DatasetBatch], error: Exception | None) -> None:
        """Roll the transaction back; these shares are stored after the others, or reported."""
        self._rollback()
        if error is not None:
            self._errors.update(dict.fromkeys([part.dataset_id for part in parts], error))

    def _check_server(self, error: Exception) -> None:
        """Raise RetriableStoreError if several tables fail for a reason that is not a lock."""
        if not isinstance(error, TableUnavailable) or error.is_lock:
            return
        same = [one for one in self._errors.values() if isinstance(one, TableUnavailable)]
        if sum(one.sqlstate == error.sqlstate for one in same) >= MOST_UNAVAILABLE:
            raise RetriableStoreError(str(error))

    def _rollback(self) -> None:
        self._store.reset()
        for part in self._written.values():
            part.written = {}
        self._written = {}

    def _create_partitions(self, part: DatasetBatch) -> None:
        self._store.ensure_days()
        self._create_months(
            part.target,
            {
                month_start(time.date())
                for source_batch in part.source_batches.values()
                for time in part.target.decoder.event_times(source_batch)
            },
        )

    def _create_months(self, target: TargetTable, months: set[datetime.date]) -> None:
        for month in sorted(months):
            self._store.ensure_months(target, month, month, lock_timeout_ms=self._lock_timeout_ms(target.dataset_id))
        self._months.setdefault(target.dataset_id, set()).update(months)


def missing_months(target: TargetTable, source_batch: SourceBatch, known: set[datetime.date]) -> set[datetime.date]:
    """The months of the rows that are not known to exist."""
    if source_batch.min_event_time is None or source_batch.max_event_time is None:
        return set()
    if known.issuperset(months_between(source_batch.min_event_time, source_batch.max_event_time)):
        return set()
    return {month_start(time.date()) for time in target.decoder.event_times(source_batch)} - known


def months_between(first: datetime.datetime, last: datetime.datetime) -> Iterator[datetime.date]:
    """The first days of the months from `first` to `last`, both included."""
    month, end = month_start(first.date()), month_start(last.date())
    yield month
    while month < end:
        month = month_start(month, shift=1)
        yield month


def is_readable(source_batch: SourceBatch) -> bool:
    """Whether the batch proves that records can be read; rejects on which the worker failed do not."""
    return bool(source_batch.rows or source_batch.dropped) or any(
        reject.reason != UNREADABLE for reject in source_batch.rejects
    )


def reject_refused(
    target: TargetTable, source_batch: SourceBatch, refused: Sequence[tuple[tuple[object, ...], RecordRefused]]
) -> None:
    """Reject the source's rows that PostgreSQL rejected."""
    source, offset = target.decoder.source_index, target.decoder.source_index + 1
    own = {
        int(str(row[offset])): (_bad_record(target, row, error), error.sqlstate)
        for row, error in refused
        if row[source] == source_batch.position.source_id
    }
    if own:
        target.decoder.reject_refused(source_batch, own)


def _bad_record(target: TargetTable, row: tuple[object, ...], error: RecordRefused) -> BadRecord:
    """The quarantine's error for a row that PostgreSQL rejected."""
    values = dict(zip(target.decoder.columns, row, strict=False))
    return refused_record(target.contract, target.dataset_id, error, values)
