"""The open batch: filled chunk by chunk while PostgreSQL stores the previous chunk, closed in one transaction."""

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from apps.datasets.core.errors import BadRecord
from apps.datasets.core.table.ddl import constraint_field
from apps.datasets.core.table.month_bounds import month_bounds, month_start
from apps.ingest.adapters.instrumentation import count_batch, timed_phase
from apps.ingest.core.batching import BatchPolicy
from apps.ingest.core.errors import PartitionMissing, QuarantineRefused, RecordRefused, RetriableStoreError
from apps.ingest.core.ports import Store, TargetTable
from apps.ingest.core.records import ConsumerRecord, Position, Reject, SourceBatch, TopicPartition
from apps.ingest.core.rejects import UNREADABLE
from apps.ingest.core.watermarks import watermark_time

REFUSED: Final = "refused_by_database"
TOO_LARGE: Final = "too_large"

Months = set[datetime.date]


class Clock(Protocol):
    """The current time; tests supply a fake."""

    def monotonic_s(self) -> float:
        """Monotonic seconds."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""


class DecodingFailed(Exception):
    """The decoder failed on one of the records; none of them is in the batch."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(f"{type(error).__name__}: {error}")


@dataclass(slots=True)
class OpenBatch:
    """The content of the open batch, with a reserved ledger id for each source that may contribute records."""

    target: TargetTable
    ids: Mapping[int, int]
    began_s: float
    source_batches: dict[int, SourceBatch] = field(default_factory=dict)
    records: int = 0
    bytes: int = 0


class BatchWriter:
    """Writes records of one target at a time; another target's records close the batch.

    Every method raises RetriableStoreError, Fenced, PipelineStopped, StaleContract: nothing of the batch is
    committed; call `discard`, then claim its sources again. `current_target` is the target of the error. `add_records`
    also raises DecodingFailed, which leaves the open batch unchanged.
    """

    def __init__(
        self,
        store: Store,
        policy: BatchPolicy,
        clock: Clock,
        *,
        sources: Callable[[int], Sequence[int]],
        on_commit: Callable[[int], None],
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._sources = sources
        self._on_commit = on_commit
        self._open: OpenBatch | None = None
        self._months: dict[int, Months] = {}
        self.current_target: TargetTable | None = None
        self.committed: dict[TopicPartition, int] = {}
        self.bytes = 0
        """Bytes of the values of all added records, including those of discarded batches."""
        self.rows = 0
        self.rejects = 0

    @property
    def target(self) -> TargetTable | None:
        """The target of the open batch."""
        return self._open.target if self._open else None

    def close_other_target(self, target: TargetTable) -> None:
        """Commit the open batch if it belongs to another target."""
        if self._open is not None and self._open.target is not target:
            self.close()

    def add_records(self, target: TargetTable, position: Position, records: Sequence[ConsumerRecord]) -> None:
        """Add these records; advances the position in memory."""
        self.close_other_target(target)
        self.current_target = target
        batch = self._open or self._new_batch(target)
        source_batch = self._decode(batch, position, records)
        if missing := self._missing_months(target, source_batch):
            # An open COPY does not see partitions that are attached later.
            self.close()
            self._create_months(target, missing)
            batch = self._new_batch(target)
            source_batch = self._decode(batch, position, records)
        self._add(batch, source_batch)
        self.bytes += source_batch.bytes

    def decode_error(
        self, target: TargetTable, position: Position, records: Sequence[ConsumerRecord]
    ) -> Exception | None:
        """The error of decoding these records, None for success. Keeps nothing of them."""
        try:
            self._decode(OpenBatch(target, {position.source_id: 0}, 0.0), position, records)
        except DecodingFailed as failed:
            return failed.error
        return None

    def add_reject(self, target: TargetTable, position: Position, reject: Reject) -> None:
        """Add a reject to the open batch, or to a new one."""
        batch = self._open or self._new_batch(target)
        offset = reject.record.offset() or 0
        source_batch = SourceBatch(
            position, batch.ids[position.source_id], offset, offset, max_at_ms=position.max_at_ms
        )
        source_batch.bytes = len(reject.record.value() or b"")
        source_batch.records.append(reject.record)
        source_batch.rejects.append(reject)
        self._add(batch, source_batch)

    def close_if_due(self, *, quiet: bool) -> None:
        """Close the batch if it is full or old, or if no more records are available."""
        batch = self._open
        if batch is None:
            return
        age_s = self._clock.monotonic_s() - batch.began_s
        if quiet or self._policy.is_full(rows=batch.records, size_bytes=batch.bytes, age_s=age_s):
            self.close()

    def close(self) -> None:
        """Commit the open batch, if any."""
        batch = self._open
        if batch is None:
            return
        self.current_target = batch.target
        source_batches = list(batch.source_batches.values())
        try:
            with timed_phase("copy"):
                self._store.finish()
            with timed_phase("commit"):
                self._store.commit(batch.target, source_batches)
        except (RecordRefused, PartitionMissing) as error:
            self._rewrite_batch(batch, error)
        self._record_commit(batch)

    def discard(self) -> None:
        """Roll the open batch back and drop it."""
        self._open = None
        self._store.reset()

    def _new_batch(self, target: TargetTable) -> OpenBatch:
        """A batch with ids, but without a transaction."""
        self.current_target = target
        sources = self._sources(target.dataset_id)
        ids = dict(zip(sources, self._store.batch_ids(len(sources)), strict=True))
        return OpenBatch(target, ids, self._clock.monotonic_s())

    def _decode(self, batch: OpenBatch, position: Position, records: Sequence[ConsumerRecord]) -> SourceBatch:
        target = batch.target
        with timed_phase("decode"):
            try:
                source_batch = target.decoder.decode(
                    records,
                    position=position,
                    batch_id=batch.ids[position.source_id],
                    now_ms=self._clock.now_ms(),
                )
                target.decoder.reject_late(source_batch, month_bounds(target.contract, self._today()))
            except Exception as error:
                raise DecodingFailed(error) from error
        return source_batch

    def _missing_months(self, target: TargetTable, source_batch: SourceBatch) -> Months:
        """The months of the rows that this worker does not know to exist."""
        if source_batch.min_event_time is None or source_batch.max_event_time is None:
            return set()
        known = self._months.setdefault(target.dataset_id, set())
        if known.issuperset(months_between(source_batch.min_event_time, source_batch.max_event_time)):
            return set()
        return {month_start(time.date()) for time in target.decoder.event_times(source_batch)} - known

    def _add(self, batch: OpenBatch, source_batch: SourceBatch) -> None:
        position = source_batch.position
        position.next_offset, position.max_at_ms = source_batch.next_offset, source_batch.max_at_ms
        position.leader_epoch = source_batch.leader_epoch
        batch.records += len(source_batch.records)
        batch.bytes += source_batch.bytes
        if self._open is None:
            self._open = batch
            with timed_phase("copy"):
                self._store.open(batch.target)
        rows = source_batch.rows
        held = batch.source_batches.setdefault(position.source_id, source_batch)
        if held is not source_batch:
            held.extend(source_batch)
        try:
            with timed_phase("copy"):
                self._store.write(rows)
        except RecordRefused as error:
            self._rewrite_batch(batch, error)
            self._record_commit(batch)

    def _rewrite_batch(self, batch: OpenBatch, cause: RecordRefused | PartitionMissing) -> None:
        """Write the batch again from memory, without the rows that PostgreSQL rejects, and commit it."""
        target, source_batches = batch.target, list(batch.source_batches.values())
        self._store.reset()
        if isinstance(cause, PartitionMissing):
            self._create_partitions(target, source_batches)
        try:
            with timed_phase("copy"):
                refused = self._store.bisect(
                    target, [row for source_batch in source_batches for row in source_batch.rows]
                )
            for source_batch in source_batches:
                self._reject_refused(target, source_batch, refused)
            with timed_phase("commit"):
                self._store.commit(target, source_batches)
        except PartitionMissing as error:
            self._months.pop(target.dataset_id, None)
            raise RetriableStoreError(f"a partition that was just created is missing: {error}") from error
        except RecordRefused as error:
            raise QuarantineRefused(f"the quarantine or the ledger rejected a row: {error}") from error

    def _create_partitions(self, target: TargetTable, source_batches: Sequence[SourceBatch]) -> None:
        self._store.ensure_days()
        self._create_months(
            target,
            {
                month_start(time.date())
                for source_batch in source_batches
                for time in target.decoder.event_times(source_batch)
            },
        )

    def _create_months(self, target: TargetTable, months: Months) -> None:
        for month in sorted(months):
            self._store.ensure_months(target.dataset_id, month, month)
        self._months.setdefault(target.dataset_id, set()).update(months)

    def _reject_refused(
        self,
        target: TargetTable,
        source_batch: SourceBatch,
        refused: Sequence[tuple[tuple[object, ...], RecordRefused]],
    ) -> None:
        source, offset = target.decoder.source_index, target.decoder.source_index + 1
        own = {
            int(str(row[offset])): (_bad_record(target, error), error.sqlstate)
            for row, error in refused
            if row[source] == source_batch.position.source_id
        }
        if own:
            target.decoder.reject_refused(source_batch, own)

    def _record_commit(self, batch: OpenBatch) -> None:
        """Update counters and positions after a commit."""
        self._open = None
        source_batches = list(batch.source_batches.values())
        for source_batch in source_batches:
            self.committed[source_batch.position.key.topic_partition] = source_batch.next_offset
            self.rows += len(source_batch.rows)
            self.rejects += len(source_batch.rejects) + source_batch.dropped
        if any(map(_proves_readable, source_batches)):
            self._on_commit(batch.target.dataset_id)
        count_batch(batch.target, source_batches)

    def _today(self) -> datetime.date:
        return watermark_time(self._clock.now_ms()).date()


def _proves_readable(source_batch: SourceBatch) -> bool:
    """Whether the batch proves that records can be read; rejects on which the worker failed do not."""
    return bool(source_batch.rows or source_batch.dropped) or any(
        reject.reason != UNREADABLE for reject in source_batch.rejects
    )


def _bad_record(target: TargetTable, error: RecordRefused) -> BadRecord:
    """The quarantine's error for a row that PostgreSQL rejected."""
    field = constraint_field(target.contract, target.dataset_id, error.constraint)
    name = field.name if field is not None else error.column
    return BadRecord(TOO_LARGE if error.sqlstate.startswith("54") else REFUSED, str(error), field=name)


def months_between(first: datetime.datetime, last: datetime.datetime) -> Iterator[datetime.date]:
    """The first days of the months from `first` to `last`, both included."""
    month, end = month_start(first.date()), month_start(last.date())
    yield month
    while month < end:
        month = month_start(month, shift=1)
        yield month
