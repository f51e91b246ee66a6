"""Fault isolation: the one record that the worker fails at is found and quarantined, the others are stored."""

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
"""Unreadable records with none between that passes that one try quarantines; the next try begins after a pause."""


MAX_CRASHES: Final = 2
"""Workers that one record alone may end before it is quarantined."""


class WorkerCrashed(Exception):
    """One worker after another ended at this record, without an error that could be caught."""


class FaultIsolation:
    """Takes a stream's records in batches of their own, halved around whatever fails at them."""

    def __init__(self, writer: BatchWriter, store: Store, defects: DefectLog) -> None:
        self._writer = writer
        self._store = store
        self._defects = defects
        self._in_a_row: Counter[int] = Counter()
        self._noted: tuple[int, int, int] | None = None

    def process(self, stream: Stream, records: Sequence[ConsumerRecord]) -> None:
        """Have these records in the open batch, or in batches of their own where the worker fails at one.

        Raises what `take` raises.
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
        """Commit these records.

        Raises TooManyUnreadable: record after record fails. Raises what BatchWriter raises.
        """
        self._writer.close()
        waiting = split_at_attempt(records, stream.attempt if is_orphaned(stream) else None)
        while waiting:
            part = from_offset(waiting.pop(), _position(stream).next_offset)
            if not part:
                continue
            if is_orphaned(stream):
                if self._is_fatal(stream, part):
                    self._quarantine(stream, part[0], WorkerCrashed())
                    continue
                self._record_attempt(_position(stream), len(part))
            try:
                self._writer.add_records(stream.target, _position(stream), part)
                self._writer.close()
            except Exception as error:
                if isinstance(error, IngestError) and not isinstance(error, QuarantineRefused):
                    raise
                if isinstance(error, DecodingFailed):
                    error = error.error  # nothing of the part is in a batch
                else:
                    self._start_over(stream)
                if len(part) == 1:
                    self._quarantine(stream, part[0], error)
                else:
                    waiting += self._split_failed(stream, part)
            else:
                self._in_a_row[stream.target.dataset_id] = 0

    def _split_failed(self, stream: Stream, part: Sequence[ConsumerRecord]) -> list[Sequence[ConsumerRecord]]:
        """What is left to take of a part that failed: nothing where decoding alone tells the records at fault."""
        if faults := self._undecodable(stream, part):
            try:
                self._add_around(stream, part, faults)
                self._writer.close()
            except Exception as error:
                if isinstance(error, IngestError) and not isinstance(error, QuarantineRefused):
                    raise
                self._start_over(stream)
            else:
                return []
        middle = len(part) // 2
        return [part[middle:], part[:middle]]

    def _undecodable(self, stream: Stream, records: Sequence[ConsumerRecord]) -> dict[int, Exception]:
        """The errors of those records that cannot be decoded, by offset; PostgreSQL is not asked."""
        faults: dict[int, Exception] = {}
        waiting = [records]
        while waiting:
            part = waiting.pop()
            error = self._writer.decode_error(stream.target, _position(stream), part)
            if error is not None and len(part) == 1:
                faults[part[0].offset() or 0] = error
            elif error is not None:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
        return faults

    def _add_around(self, stream: Stream, part: Sequence[ConsumerRecord], faults: Mapping[int, Exception]) -> None:
        """Add these records to the open batch, those at fault as rejects."""
        good: list[ConsumerRecord] = []
        for record in part:
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
        LOGGER.error(
            "%s: %d records of %s go to the quarantine", stream.target.name, len(faults), stream.topic_partition
        )

    def _add_good(self, stream: Stream, records: Sequence[ConsumerRecord]) -> None:
        if records:
            self._writer.add_records(stream.target, _position(stream), records)
            self._in_a_row[stream.target.dataset_id] = 0

    def _count(self, stream: Stream, cause: Exception) -> None:
        """Count one more unreadable record. Raises TooManyUnreadable: there were too many without one that passes."""
        dataset_id = stream.target.dataset_id
        self._in_a_row[dataset_id] += 1
        if self._in_a_row[dataset_id] > MAX_CONSECUTIVE:
            self._in_a_row[dataset_id] = 0
            raise TooManyUnreadable(
                f"record after record of {stream.topic_partition} fails with {type(cause).__name__}: this may be a "
                f"defect of Andén, the worker's log has the traceback; {MAX_CONSECUTIVE} of them are quarantined, and "
                f"after a pause of a minute at most as many are tried again"
            ) from cause

    def _record_attempt(self, position: Position, records: int) -> None:
        """Note the attempt, once a process: its times are counted to know how many of them ended."""
        attempt = position.source_id, position.next_offset, records
        if attempt != self._noted:
            self._store.record_attempt(position, records=records)
            self._noted = attempt

    def _is_fatal(self, stream: Stream, part: Sequence[ConsumerRecord]) -> bool:
        """Whether one worker after another died over this record alone."""
        attempt = stream.attempt
        return (
            attempt is not None
            and len(part) == attempt.records == 1
            and attempt.offset == _position(stream).next_offset
            and attempt.times >= MAX_CRASHES
        )

    def _start_over(self, stream: Stream) -> None:
        """Read the position again: nobody knows how far the failed batch came."""
        self._writer.discard()
        position = _position(stream)
        stream.position = self._store.claim(SourceClaim(position.key, position.next_offset, position.epoch))
        stream.known_epoch = stream.position.epoch

    def _quarantine(self, stream: Stream, record: ConsumerRecord, cause: Exception) -> None:
        if not from_offset([record], _position(stream).next_offset):
            return
        place, dataset = stream.topic_partition, stream.target
        self._count(stream, cause)
        LOGGER.error("%s: %s@%s is quarantined as unreadable", dataset.name, place, record.offset())
        trouble: Exception = cause
        for copy in salvage_copies(record):
            try:
                self._writer.add_reject(dataset, _position(stream), unreadable_reject(copy, cause))
                self._writer.close()
            except Exception as error:
                if isinstance(error, IngestError) and not isinstance(error, QuarantineRefused):
                    raise
                trouble = error
                self._start_over(stream)
            else:
                return
        raise TooManyUnreadable(
            f"{place}@{record.offset()} can be neither stored nor quarantined: {type(trouble).__name__}"
        ) from trouble


def is_orphaned(stream: Stream) -> bool:
    """Whether the stream's next records may have ended the worker that had them."""
    return stream.position is not None and stream.position.next_offset < stream.orphaned_until


def split_at_attempt(records: Sequence[ConsumerRecord], attempt: Attempt | None) -> list[Sequence[ConsumerRecord]]:
    """The records in the parts that they are taken in, the last part first: one by one where an attempt ended."""
    if attempt is None:
        return [records]
    offsets = [record.offset() or 0 for record in records]
    first = bisect_left(offsets, attempt.offset)
    # Where offsets have gaps, the attempt reached further: the next one finds out.
    last = bisect_left(offsets, attempt.offset + attempt.records)
    parts = [records[:first], *([record] for record in records[first:last]), records[last:]]
    return [part for part in reversed(parts) if part]


def _position(stream: Stream) -> Position:
    if stream.position is None:
        raise TooManyUnreadable(f"{stream.topic_partition} has no position")
    return stream.position
