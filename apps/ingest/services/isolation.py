"""Fault isolation: find and quarantine the record on which the worker fails, store the others."""

import logging
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from apps.ingest.core.errors import IngestError, QuarantineRefused, TooManyUnreadable
from apps.ingest.core.ports import SourceClaim, Store
from apps.ingest.core.record_copies import salvage_copies
from apps.ingest.core.records import Attempt, ConsumerRecord, Position, from_offset
from apps.ingest.core.rejects import unreadable_reject
from apps.ingest.services.batch import BatchWriter
from apps.ingest.services.stream import Stream
from apps.ingest.services.unreadable_run import UnreadableRun

LOGGER: Final = logging.getLogger("apps.ingest")

MAX_CRASHES: Final = 2
"""Workers that a single record may crash before it is quarantined."""


class WorkerCrashed(Exception):
    """This record crashed one worker after another, without an error that could be caught."""


class FaultIsolation:
    """Stores a stream's records in separate batches, and halves those that fail."""

    def __init__(self, writer: BatchWriter, store: Store, unreadable: UnreadableRun) -> None:
        self._writer = writer
        self._store = store
        self._unreadable = unreadable
        self._last_attempt: tuple[int, int, int] | None = None

    def process(self, stream: Stream, records: Sequence[ConsumerRecord]) -> None:
        """Add these records to the open batch, or isolate the one on which the worker fails.

        Raises what `isolate` raises.
        """
        position = _position(stream)
        if position.next_offset < stream.careful_until or (is_orphaned(stream) and _was_attempted(stream)):
            self.isolate(stream, records)
        else:
            self._writer.add_records(stream.target, position, records, guarded=is_orphaned(stream))

    def isolate(self, stream: Stream, records: Sequence[ConsumerRecord]) -> None:
        """Commit these records in batches of their own, without the unreadable ones.

        Raises TooManyUnreadable: record after record fails. Raises what BatchWriter raises, and the dataset's faults.
        """
        self._writer.close()
        waiting = split_at_attempt(records, stream.attempt if is_orphaned(stream) else None)
        while waiting:
            chunk = from_offset(waiting.pop(), _position(stream).next_offset)
            if not chunk:
                continue
            if is_orphaned(stream):
                if self._is_fatal(stream, chunk):
                    self._quarantine(stream, chunk[0], WorkerCrashed())
                    continue
                self._record_attempt(_position(stream), len(chunk))
            try:
                self._writer.add_records(stream.target, _position(stream), chunk)
                self._writer.close_strictly()
            except Exception as error:
                if isinstance(error, IngestError) and not isinstance(error, QuarantineRefused):
                    raise
                self._start_over(stream)
                if len(chunk) == 1:
                    self._quarantine(stream, chunk[0], error)
                else:
                    middle = len(chunk) // 2
                    waiting += [chunk[middle:], chunk[:middle]]
            else:
                self._unreadable.end(stream.target.dataset_id)

    def _record_attempt(self, position: Position, records: int) -> None:
        """Store the attempt, once per process, so that successors can count crashes."""
        attempt = position.source_id, position.next_offset, records
        if attempt != self._last_attempt:
            self._store.record_attempts([(position, position.next_offset, records)])
            self._last_attempt = attempt

    def _is_fatal(self, stream: Stream, chunk: Sequence[ConsumerRecord]) -> bool:
        """Whether this record alone crashed several workers."""
        attempt = stream.attempt
        return (
            attempt is not None
            and len(chunk) == attempt.records == 1
            and attempt.offset == _position(stream).next_offset
            and attempt.times >= MAX_CRASHES
        )

    def _start_over(self, stream: Stream) -> None:
        """Discard the failed batch and claim the position again, since the batch's outcome is unknown."""
        self._writer.discard()
        position = _position(stream)
        (claimed,) = self._store.claim([SourceClaim(position.key, position.next_offset, position.epoch)])
        if isinstance(claimed, IngestError):
            raise claimed
        stream.position, stream.known_epoch = claimed, claimed.epoch

    def _quarantine(self, stream: Stream, record: ConsumerRecord, cause: Exception) -> None:
        if not from_offset([record], _position(stream).next_offset):
            return
        topic_partition, dataset = stream.topic_partition, stream.target
        self._unreadable.add(dataset.dataset_id, topic_partition, cause)
        LOGGER.error("%s: %s@%s is quarantined as unreadable", dataset.name, topic_partition, record.offset())
        last_error: Exception = cause
        for copy in salvage_copies(record):
            try:
                self._writer.add_reject(dataset, _position(stream), unreadable_reject(copy, cause))
                self._writer.close_strictly()
            except Exception as error:
                if isinstance(error, IngestError) and not isinstance(error, QuarantineRefused):
                    raise
                last_error = error
                self._start_over(stream)
            else:
                return
        raise TooManyUnreadable(
            f"{topic_partition}@{record.offset()} can be neither stored nor quarantined: {type(last_error).__name__}"
        ) from last_error


def is_orphaned(stream: Stream) -> bool:
    """Whether the stream's next records may have crashed their previous worker."""
    return stream.position is not None and stream.position.next_offset < stream.orphaned_until


def _was_attempted(stream: Stream) -> bool:
    """Whether a worker crashed while it retried the stream's next records."""
    attempt, position = stream.attempt, _position(stream)
    return attempt is not None and position.next_offset < attempt.offset + attempt.records


def split_at_attempt(records: Sequence[ConsumerRecord], attempt: Attempt | None) -> list[Sequence[ConsumerRecord]]:
    """The records in chunks, the last chunk first; one by one where an attempt crashed."""
    if attempt is None:
        return [records]
    offsets = [record.offset() or 0 for record in records]
    first = bisect_left(offsets, attempt.offset)
    # If offsets have gaps, the attempt reached further; the next attempt covers the rest.
    last = bisect_left(offsets, attempt.offset + attempt.records)
    chunks = [records[:first], *([record] for record in records[first:last]), records[last:]]
    return [chunk for chunk in reversed(chunks) if chunk]


def _position(stream: Stream) -> Position:
    if stream.position is None:
        raise TooManyUnreadable(f"{stream.topic_partition} has no position")
    return stream.position
