"""The open batch of all datasets: filled record by record, closed in one transaction.

A dataset with many records streams them to PostgreSQL, which stores one chunk while the worker decodes the next. The
records of the others wait in memory, and each dataset is copied once, when the batch closes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from apps.ingest.adapters.instrumentation import count_batch
from apps.ingest.core.batching import BatchPolicy
from apps.ingest.core.ports import Clock, DatasetBatch, Store, TargetTable
from apps.ingest.core.records import ConsumerRecord, Position, Reject, TopicPartition
from apps.ingest.services.batch_commit import BatchCommitter, CommitOutcome, DatasetFault, is_readable
from apps.ingest.services.record_decoder import RecordDecoder, reject_batch

STREAM_RECORDS: Final = 1_000
"""Pending records of one dataset that are worth a COPY before the batch closes."""


@dataclass(slots=True)
class OpenBatch:
    """The content of the open batch. If it is `guarded`, nothing is decoded before it closes."""

    began_s: float
    parts: dict[int, DatasetBatch] = field(default_factory=dict)
    records: int = 0
    bytes: int = 0
    guarded: dict[int, tuple[Position, int, int]] = field(default_factory=dict)
    """Source id → position, first offset and number of records of the sources that may crash the process."""


class BatchClaims(Protocol):
    """The claimed sources whose records a batch may hold."""

    def claimed_count(self) -> int:
        """How many sources are claimed."""

    def committed(self, dataset_id: int) -> None:
        """A batch proved that the dataset's records can be read and stored."""


class BatchWriter:
    """Writes records of any number of datasets.

    Every method raises RetriableStoreError: nothing of the batch is committed; call `discard`, then claim its sources
    again. A fault of a single dataset goes to `on_fault` with the dataset and the error, once the others are
    committed: claim that dataset's sources again.
    """

    def __init__(
        self,
        store: Store,
        policy: BatchPolicy,
        clock: Clock,
        decoder: RecordDecoder,
        claims: BatchClaims,
        *,
        on_fault: Callable[[TargetTable, Exception], None],
    ) -> None:
        self._store = store
        self._policy = policy
        self._clock = clock
        self._claims = claims
        self._on_fault = on_fault
        self._committer = BatchCommitter(store, decoder)
        self._open: OpenBatch | None = None
        self.committed: dict[TopicPartition, int] = {}
        self.bytes = 0
        """Bytes of the values of all added records, including those of discarded batches."""
        self.rows = 0
        self.rejects = 0

    @property
    def is_open(self) -> bool:
        """Whether the batch holds records."""
        return self._open is not None

    def add_records(
        self, target: TargetTable, position: Position, records: Sequence[ConsumerRecord], *, guarded: bool = False
    ) -> None:
        """Add these records, all of one source; advances the position in memory.

        `guarded`: they may have crashed the worker that read them before.
        """
        if guarded and self._committer.is_writing:
            self.close()
        batch, first_offset = self._open or self._begin(), position.next_offset
        part = batch.parts.setdefault(target.dataset_id, DatasetBatch(target))
        waiting = part.pending.setdefault(position.source_id, (position, []))[1]
        waiting += records
        part.pending_count += len(records)
        size = sum(map(len, records))
        batch.records += len(records)
        batch.bytes += size
        self.bytes += size
        position.next_offset = (records[-1].offset() or 0) + 1
        position.leader_epoch = records[-1].leader_epoch()
        if guarded:
            _, first_offset, count = batch.guarded.get(position.source_id, (position, first_offset, 0))
            batch.guarded[position.source_id] = position, first_offset, count + len(records)
        if part.pending_count >= STREAM_RECORDS and not batch.guarded and self._committer.may_stream(part):
            self._committer.stream(part)

    def add_reject(self, target: TargetTable, position: Position, reject: Reject) -> None:
        """Add a reject to the open batch, or to a new one."""
        batch = self._open or self._begin()
        part = batch.parts.setdefault(target.dataset_id, DatasetBatch(target))
        source_batch = reject_batch(position, self._store.batch_id(), reject)
        held = part.source_batches.setdefault(position.source_id, source_batch)
        if held is not source_batch:
            held.extend(source_batch)
        position.next_offset, position.leader_epoch = source_batch.next_offset, source_batch.leader_epoch
        batch.records += 1

    def close_if_due(self, *, quiet: bool) -> None:
        """Close the batch if it is full or old, or if no more records are available.

        A guarded batch closes immediately: if it crashes the process, the next worker tries its records one by one.
        """
        batch = self._open
        if batch is None:
            return
        age_s = self._clock.monotonic_s() - batch.began_s
        if quiet or batch.guarded or self._policy.is_full(rows=batch.records, size_bytes=batch.bytes, age_s=age_s):
            self.close()

    def close(self) -> None:
        """Commit the open batch, if any; report the faults of datasets to `on_fault`."""
        for fault in self._close():
            self._on_fault(fault.target, fault.error)

    def close_strictly(self) -> None:
        """Commit the open batch, if any. Raises the first fault of a dataset."""
        for fault in self._close():
            raise fault.error

    def discard(self) -> None:
        """Roll the open batch back and drop it."""
        self._open = None
        self._committer.reset()

    def _begin(self) -> OpenBatch:
        """A batch with ids, but without a transaction."""
        self._store.reserve_ids(self._claims.claimed_count() + 1)
        self._open = OpenBatch(self._clock.monotonic_s())
        return self._open

    def _close(self) -> list[DatasetFault]:
        batch, self._open = self._open, None
        if batch is None:
            return []
        if batch.guarded:
            # Never 1, which would be an attempt at this record alone.
            self._store.record_attempts([(*attempt[:2], max(2, attempt[2])) for attempt in batch.guarded.values()])
        outcome = CommitOutcome()
        try:
            self._committer.commit(list(batch.parts.values()), outcome)
        finally:
            # Also those committed before the server failed.
            for part in outcome.committed:
                self._record_commit(part)
            count_batch(outcome.committed)
        return outcome.faults

    def _record_commit(self, part: DatasetBatch) -> None:
        """Update counters and positions after a commit."""
        for source_batch in part.source_batches.values():
            self.committed[source_batch.position.key.topic_partition] = source_batch.next_offset
            self.rows += len(source_batch.rows)
            self.rejects += len(source_batch.rejects) + source_batch.dropped
        if any(map(is_readable, part.source_batches.values())):
            self._claims.committed(part.dataset_id)
