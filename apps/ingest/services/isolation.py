"""Fault isolation: the one record that the worker fails at is found and quarantined, the others are stored."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Final

from apps.ingest.core.errors import IngestError, RejectRefused, UnreadableRun
from apps.ingest.core.ports import Claim, Store
from apps.ingest.core.records import Position, Record, from_offset
from apps.ingest.core.rejects import unreadable
from apps.ingest.core.salvage import salvaged
from apps.ingest.services.batch import BatchWriter
from apps.ingest.services.streams import Stream

LOGGER: Final = logging.getLogger("apps.ingest")
MOST_IN_A_ROW: Final = 20
"""Unreadable records with none between that passes, after which the fault is looked for elsewhere."""


class FaultIsolation:
    """Takes a stream's records in batches of their own, halved around whatever fails at them."""

    def __init__(self, writer: BatchWriter, store: Store) -> None:
        self._writer = writer
        self._store = store
        self._in_a_row: Counter[int] = Counter()

    def take(self, stream: Stream, records: Sequence[Record]) -> int:
        """Commit these records, and say how many bytes their values have.

        Raises UnreadableRun: the fault is not in the records. Raises what BatchWriter raises.
        """
        self._writer.close()
        size = 0
        waiting = [records]
        while waiting:
            part = from_offset(waiting.pop(), _position(stream).next_offset)
            if not part:
                continue
            try:
                size += self._writer.take(stream.target, _position(stream), part)
                self._writer.close()
            except Exception as error:
                if isinstance(error, IngestError) and not isinstance(error, RejectRefused):
                    raise
                self._start_over(stream)
                if len(part) == 1:
                    self._quarantine(stream, part[0], error)
                else:
                    middle = len(part) // 2
                    waiting += [part[middle:], part[:middle]]
            else:
                self._in_a_row[stream.target.dataset_id] = 0
        return size

    def _start_over(self, stream: Stream) -> None:
        """Read the position again: nobody knows how far the failed batch came."""
        self._writer.discard()
        position = _position(stream)
        stream.position = self._store.claim(Claim(position.key, position.next_offset, position.epoch))
        stream.known_epoch = stream.position.epoch

    def _quarantine(self, stream: Stream, record: Record, cause: Exception) -> None:
        if not from_offset([record], _position(stream).next_offset):
            return
        place, dataset = stream.place, stream.target
        self._in_a_row[dataset.dataset_id] += 1
        if self._in_a_row[dataset.dataset_id] > MOST_IN_A_ROW:
            raise UnreadableRun(
                f"the worker fails at record after record of {place} with {type(cause).__name__}, so the fault is not "
                f"in the records; the worker's log has the traceback"
            ) from cause
        LOGGER.error("%s: %s@%s is quarantined as unreadable", dataset.name, place, record.offset())
        trouble: Exception = cause
        for copy in salvaged(record):
            try:
                self._writer.take_reject(dataset, _position(stream), unreadable(copy, cause))
            except Exception as error:
                if isinstance(error, IngestError) and not isinstance(error, RejectRefused):
                    raise
                trouble = error
                self._start_over(stream)
            else:
                return
        raise UnreadableRun(
            f"{place}@{record.offset()} can be neither stored nor quarantined: {type(trouble).__name__}"
        ) from trouble


def _position(stream: Stream) -> Position:
    if stream.position is None:
        raise UnreadableRun(f"{stream.place} has no position")
    return stream.position
