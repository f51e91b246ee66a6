"""The open batch: filled chunk by chunk while PostgreSQL takes the last one in, closed in one transaction."""

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
    """The time, so that tests can have their own."""

    def monotonic_s(self) -> float:
        """Seconds that only rise."""

    def now_ms(self) -> int:
        """Milliseconds since 1970."""


class DecodingFailed(Exception):
    """The decoder failed at one of the records with this error: nothing of them is in the batch."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        super().__init__(f"{type(error).__name__}: {error}")


@dataclass(slots=True)
class OpenBatch:
    """What the open batch holds so far; a ledger id waits for each source that may bring records."""

    target: TargetTable
    ids: Mapping[int, int]
    began_s: float
    parts: dict[int, SourceBatch] = field(default_factory=dict)
    records: int = 0
    bytes: int = 0


class BatchWriter:
    """Writes records of one target at a time; another target's records close the batch.

    Every method raises RetriableStoreError, Fenced, PipelineStopped, ContractChanged: nothing of the batch is
    committed; `discard`, then claim its sources anew. `current_target` is the target that the error is about.
    `take` also raises DecodingFailed, which leaves the open batch as it was.
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
        """Of the values of all records that were taken, those of a discarded batch included."""
        self.rows = 0
        self.rejects = 0

    @property
    def target(self) -> TargetTable | None:
        """Whose batch is open."""
        return self._open.target if self._open else None

    def close_other_target(self, target: TargetTable) -> None:
        """Commit the open batch where it is another target's."""
        if self._open is not None and self._open.target is not target:
            self.close()

    def add_records(self, target: TargetTable, position: Position, records: Sequence[ConsumerRecord]) -> None:
        """Add these records; the position moves in memory."""
        self.close_other_target(target)
        self.current_target = target
        batch = self._open or self._new_batch(target)
        part = self._decode(batch, position, records)
        if missing := self._missing_months(target, part):
            # An open COPY does not see a partition that is attached after it began.
            self.close()
            self._make_months(target, missing)
            batch = self._new_batch(target)
            part = self._decode(batch, position, records)
        self._add(batch, part)
        self.bytes += part.bytes

    def decode_error(
        self, target: TargetTable, position: Position, records: Sequence[ConsumerRecord]
    ) -> Exception | None:
        """The error that these records raise when they are decoded; nothing is kept of them."""
        try:
            self._decode(OpenBatch(target, {position.source_id: 0}, 0.0), position, records)
        except DecodingFailed as failed:
            return failed.error
        return None

    def add_reject(self, target: TargetTable, position: Position, reject: Reject) -> None:
        """Add a reject of the target whose batch is open, or of the next one."""
        batch = self._open or self._new_batch(target)
        offset = reject.record.offset() or 0
        part = SourceBatch(position, batch.ids[position.source_id], offset, offset, max_at_ms=position.max_at_ms)
        part.bytes = len(reject.record.value() or b"")
        part.records.append(reject.record)
        part.rejects.append(reject)
        self._add(batch, part)

    def close_if_due(self, *, quiet: bool) -> None:
        """Close the batch when it is full, old, or when nothing more is coming at the moment."""
        batch = self._open
        if batch is None:
            return
        age_s = self._clock.monotonic_s() - batch.began_s
        if quiet or self._policy.is_full(rows=batch.records, size_bytes=batch.bytes, age_s=age_s):
            self.close()

    def close(self) -> None:
        """Commit the open batch, if there is one."""
        batch = self._open
        if batch is None:
            return
        self.current_target = batch.target
        parts = list(batch.parts.values())
        try:
            with timed_phase("copy"):
                self._store.finish()
            with timed_phase("commit"):
                self._store.commit(batch.target, parts)
        except (RecordRefused, PartitionMissing) as error:
            self._rewrite_batch(batch, error)
        self._record_commit(batch)

    def discard(self) -> None:
        """Forget the open batch and roll it back."""
        self._open = None
        self._store.reset()

    def _new_batch(self, target: TargetTable) -> OpenBatch:
        """A batch that has its ids, and no transaction yet."""
        self.current_target = target
        sources = self._sources(target.dataset_id)
        ids = dict(zip(sources, self._store.batch_ids(len(sources)), strict=True))
        return OpenBatch(target, ids, self._clock.monotonic_s())

    def _decode(self, batch: OpenBatch, position: Position, records: Sequence[ConsumerRecord]) -> SourceBatch:
        target = batch.target
        with timed_phase("decode"):
            try:
                part = target.decoder.decode(
                    records,
                    position=position,
                    batch_id=batch.ids[position.source_id],
                    now_ms=self._clock.now_ms(),
                )
                target.decoder.reject_late(part, month_bounds(target.contract, self._today()))
            except Exception as error:
                raise DecodingFailed(error) from error
        return part

    def _missing_months(self, target: TargetTable, part: SourceBatch) -> Months:
        """The months that the part's rows need and that nobody made yet, as far as this worker knows."""
        if part.min_event_time is None or part.max_event_time is None:
            return set()
        known = self._months.setdefault(target.dataset_id, set())
        if known.issuperset(months_between(part.min_event_time, part.max_event_time)):
            return set()
        return {month_start(time.date()) for time in target.decoder.event_times(part)} - known

    def _add(self, batch: OpenBatch, part: SourceBatch) -> None:
        position = part.position
        position.next_offset, position.max_at_ms = part.next_offset, part.max_at_ms
        position.leader_epoch = part.leader_epoch
        batch.records += len(part.records)
        batch.bytes += part.bytes
        if self._open is None:
            self._open = batch
            with timed_phase("copy"):
                self._store.open(batch.target)
        rows = part.rows
        held = batch.parts.setdefault(position.source_id, part)
        if held is not part:
            held.extend(part)
        try:
            with timed_phase("copy"):
                self._store.write(rows)
        except RecordRefused as error:
            self._rewrite_batch(batch, error)
            self._record_commit(batch)

    def _rewrite_batch(self, batch: OpenBatch, cause: RecordRefused | PartitionMissing) -> None:
        """Store the batch anew from what is in memory, without the rows that PostgreSQL refuses, and commit."""
        target, parts = batch.target, list(batch.parts.values())
        self._store.reset()
        if isinstance(cause, PartitionMissing):
            self._make_partitions(target, parts)
        try:
            with timed_phase("copy"):
                refused = self._store.bisect(target, [row for part in parts for row in part.rows])
            for part in parts:
                self._reject_refused(target, part, refused)
            with timed_phase("commit"):
                self._store.commit(target, parts)
        except PartitionMissing as error:
            self._months.pop(target.dataset_id, None)
            raise RetriableStoreError(f"a partition that was made is not there: {error}") from error
        except RecordRefused as error:
            raise QuarantineRefused(f"the quarantine or the ledger refused a row: {error}") from error

    def _make_partitions(self, target: TargetTable, parts: Sequence[SourceBatch]) -> None:
        self._store.ensure_days()
        self._make_months(
            target,
            {month_start(time.date()) for part in parts for time in target.decoder.event_times(part)},
        )

    def _make_months(self, target: TargetTable, months: Months) -> None:
        for month in sorted(months):
            self._store.ensure_months(target.dataset_id, month, month)
        self._months.setdefault(target.dataset_id, set()).update(months)

    def _reject_refused(
        self, target: TargetTable, part: SourceBatch, refused: Sequence[tuple[tuple[object, ...], RecordRefused]]
    ) -> None:
        source, offset = target.decoder.source_index, target.decoder.source_index + 1
        mine = {
            int(str(row[offset])): (_bad_record(target, error), error.sqlstate)
            for row, error in refused
            if row[source] == part.position.source_id
        }
        if mine:
            target.decoder.reject_refused(part, mine)

    def _record_commit(self, batch: OpenBatch) -> None:
        """Take note of a committed batch."""
        self._open = None
        parts = list(batch.parts.values())
        for part in parts:
            self.committed[part.position.key.topic_partition] = part.next_offset
            self.rows += len(part.rows)
            self.rejects += len(part.rejects) + part.dropped
        if any(map(_proves, parts)):
            self._on_commit(batch.target.dataset_id)
        count_batch(batch.target, parts)

    def _today(self) -> datetime.date:
        return watermark_time(self._clock.now_ms()).date()


def _proves(part: SourceBatch) -> bool:
    """Whether the part shows that records can be read: those that the worker failed at do not."""
    return bool(part.rows or part.dropped) or any(reject.reason != UNREADABLE for reject in part.rejects)


def _bad_record(target: TargetTable, error: RecordRefused) -> BadRecord:
    """What the quarantine says about a row that PostgreSQL refused."""
    field = constraint_field(target.contract, target.dataset_id, error.constraint)
    name = field.name if field is not None else error.column
    return BadRecord(TOO_LARGE if error.sqlstate.startswith("54") else REFUSED, str(error), field=name)


def months_between(first: datetime.datetime, last: datetime.datetime) -> Iterator[datetime.date]:
    """The first days of the months from the first to the last moment's."""
    month, end = month_start(first.date()), month_start(last.date())
    yield month
    while month < end:
        month = month_start(month, shift=1)
        yield month
