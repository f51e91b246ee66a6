"""Fault isolation: find and quarantine the record on which the worker fails, store the others."""

import logging
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from apps.ingest.adapters.instrumentation import count_failure
from apps.ingest.core.errors import IngestError, QuarantineRefused, TooManyUnreadable
from apps.ingest.core.ports import SourceClaim, Store
from apps.ingest.core.record_copies import salvage_copies
from apps.ingest.core.records import Attempt, ConsumerRecord, Position, from_offset
from apps.ingest.core.rejects import unreadable_reject
from apps.ingest.services.batch import BatchWriter, DecodingFailed
from apps.ingest.services.defects import DefectLog
from apps.ingest.services.stream import Stream

LOGGER: Final = logging.getLogger("apps.ingest")
MAX_CONSECUTIVE: Final = 20
"""Consecutive unreadable records that one attempt quarantines; the next attempt follows after a pause."""


MAX_CRASHES: Final = 2
"""Workers that a single record may crash before it is quarantined."""


class WorkerCrashed(Exception):
    """This record crashed one worker after another, without an error that could be caught."""


class FaultIsolation:
    """Stores a stream's records in separate batches, and halves those that fail."""

    def __init__(self, writer: BatchWriter, store: Store, defects: DefectLog) -> None:
        self._writer = writer
        self._store = store
        self._defects = defects
        self._consecutive: Counter[int] = Counter()
        self._last_attempt: tuple[int, int, int] | None = None

    def process(self, stream: Stream, records: Sequence[ConsumerRecord]) -> None:
        """Add these records to the open batch, or isolate the one on which the worker fails.

        Raises what `isolate` raises.
        """
        position = _position(stream)
        if position.next_offset < stream.careful_until:
            self.isolate(stream, records)
            return
        try:
            self._writer.add_records(stream.target, position, records)
        except DecodingFailed as failed:
            count_failure(failed.error)
            self._defects.log(failed.error)
            if faults := self._undecodable(stream, records):
                self._add_around(stream, records, faults)
            else:
                self.isolate(stream, records)

    def isolate(self, stream: Stream, records: Sequence[ConsumerRecord]) -> None:
        """Commit these records in batches of their own, without the unreadable ones.

        Raises TooManyUnreadable: record after record fails. Raises what BatchWriter raises.
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
                self._writer.close()
            except Exception as error:
                if isinstance(error, IngestError) and not isinstance(error, QuarantineRefused):
                    raise
                if isinstance(error, DecodingFailed):
                    error = error.error  # none of these records is in a batch
                else:
                    self._start_over(stream)
                if len(chunk) == 1:
                    self._quarantine(stream, chunk[0], error)
                else:
                    waiting += self._split_failed(stream, chunk)
            else:
                self._consecutive[stream.target.dataset_id] = 0

    def _split_failed(self, stream: Stream, chunk: Sequence[ConsumerRecord]) -> list[Sequence[ConsumerRecord]]:
        """The halves of a chunk that failed, or nothing if decoding alone identified the records at fault."""
        if faults := self._undecodable(stream, chunk):
            try:
                self._add_around(stream, chunk, faults)
                self._writer.close()
            except Exception as error:
                if isinstance(error, IngestError) and not isinstance(error, QuarantineRefused):
                    raise
                self._start_over(stream)
            else:
                return []
        middle = len(chunk) // 2
        return [chunk[middle:], chunk[:middle]]

    def _undecodable(self, stream: Stream, records: Sequence[ConsumerRecord]) -> dict[int, Exception]:
        """The decoding errors of these records by offset; does not query PostgreSQL."""
        faults: dict[int, Exception] = {}
        waiting = [records]
        while waiting:
            chunk = waiting.pop()
            error = self._writer.decode_error(stream.target, _position(stream), chunk)
            if error is not None and len(chunk) == 1:
                faults[chunk[0].offset() or 0] = error
            elif error is not None:
                middle = len(chunk) // 2
                waiting += [chunk[middle:], chunk[:middle]]
        return faults

    def _add_around(self, stream: Stream, chunk: Sequence[ConsumerRecord], faults: Mapping[int, Exception]) -> None:
        """Add these records to the open batch, and those at fault as rejects."""
        good: list[ConsumerRecord] = []
        for record in chunk:
            cause = faults.get(record.offset() or 0)
            if cause is None:
                good.append(record)
                continue
            self._add_good(stream, good)
            try:
                self._count(stream, cause)
            except TooManyUnreadable:
                self._writer.close()
                raise
            self._writer.add_reject(
                stream.target, _position(stream), unreadable_reject(next(salvage_copies(record)), cause)
            )
            good = []
        self._add_good(stream, good)
        LOGGER.error("%s: quarantining %d records of %s", stream.target.name, len(faults), stream.topic_partition)

    def _add_good(self, stream: Stream, records: Sequence[ConsumerRecord]) -> None:
        if records:
            self._writer.add_records(stream.target, _position(stream), records)
            self._consecutive[stream.target.dataset_id] = 0

    def _count(self, stream: Stream, cause: Exception) -> None:
        """Count an unreadable record. Raises TooManyUnreadable: too many in a row."""
        dataset_id = stream.target.dataset_id
        self._consecutive[dataset_id] += 1
        if self._consecutive[dataset_id] > MAX_CONSECUTIVE:
            self._consecutive[dataset_id] = 0
            raise TooManyUnreadable(
                f"record after record of {stream.topic_partition} fails with {type(cause).__name__}: this may be a "
                f"bug in Andén, see the traceback in the worker's log; {MAX_CONSECUTIVE} of them are quarantined, and "
                f"after a pause of at most a minute up to as many again"
            ) from cause

    def _record_attempt(self, position: Position, records: int) -> None:
        """Store the attempt, once per process, so that successors can count crashes."""
        attempt = position.source_id, position.next_offset, records
        if attempt != self._last_attempt:
            self._store.record_attempt(position, records=records)
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
        stream.position = self._store.claim(SourceClaim(position.key, position.next_offset, position.epoch))
        stream.known_epoch = stream.position.epoch

    def _quarantine(self, stream: Stream, record: ConsumerRecord, cause: Exception) -> None:
        if not from_offset([record], _position(stream).next_offset):
            return
        topic_partition, dataset = stream.topic_partition, stream.target
        self._count(stream, cause)
        LOGGER.error("%s: %s@%s is quarantined as unreadable", dataset.name, topic_partition, record.offset())
        last_error: Exception = cause
        for copy in salvage_copies(record):
            try:
                self._writer.add_reject(dataset, _position(stream), unreadable_reject(copy, cause))
                self._writer.close()
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
