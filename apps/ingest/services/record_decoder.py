"""Decode a source's records into its share of a batch; records on which the decoder fails become rejects."""

import datetime
import logging
from collections.abc import Sequence
from typing import Final

from apps.datasets.core.table.month_bounds import month_bounds
from apps.ingest.adapters.instrumentation import count_failure, timed_phase
from apps.ingest.core.errors import TooManyUnreadable
from apps.ingest.core.ports import Clock, DatasetBatch
from apps.ingest.core.record_copies import salvage_copies
from apps.ingest.core.records import ConsumerRecord, Position, Reject, SourceBatch
from apps.ingest.core.rejects import unreadable_reject
from apps.ingest.core.watermarks import watermark_time
from apps.ingest.services.defects import DefectLog
from apps.ingest.services.unreadable_run import UnreadableRun

LOGGER: Final = logging.getLogger("apps.ingest")


class RecordDecoder:
    """Decodes pending records."""

    def __init__(self, clock: Clock, defects: DefectLog, unreadable: UnreadableRun) -> None:
        self._clock = clock
        self._defects = defects
        self._unreadable = unreadable

    def decode(
        self, part: DatasetBatch, position: Position, records: Sequence[ConsumerRecord], batch_id: int
    ) -> SourceBatch | None:
        """The batch of these records, all of one source; None if it holds none of them.

        If record after record fails, the batch ends before, and `part.fault` is the error.
        """
        with timed_phase("decode"):
            try:
                batch = self._decode(part, position, records, batch_id)
            except Exception as error:  # noqa: BLE001  a record must not end the process
                count_failure(error)
                self._defects.log(error)
                return self._bisected(part, position, records, batch_id)
        position.max_at_ms = batch.max_at_ms
        return batch

    def _decode(
        self, part: DatasetBatch, position: Position, records: Sequence[ConsumerRecord], batch_id: int
    ) -> SourceBatch:
        decoder, now_ms = part.target.decoder, self._clock.now_ms()
        batch = decoder.decode(records, position=position, batch_id=batch_id, now_ms=now_ms)
        decoder.reject_late(batch, month_bounds(part.target.contract, _day(now_ms)))
        return batch

    def _bisected(
        self, part: DatasetBatch, position: Position, records: Sequence[ConsumerRecord], batch_id: int
    ) -> SourceBatch | None:
        found: SourceBatch | None = None
        rejects, waiting = 0, [records]
        while waiting:
            chunk = waiting.pop()
            try:
                piece = self._decode(part, position, chunk, batch_id)
                self._unreadable.end(part.dataset_id)
            except Exception as error:  # noqa: BLE001  bisect it
                if len(chunk) > 1:
                    waiting += [chunk[len(chunk) // 2 :], chunk[: len(chunk) // 2]]
                    continue
                try:
                    self._unreadable.add(part.dataset_id, position.key.topic_partition, error)
                except TooManyUnreadable as many:
                    part.fault = many
                    break
                rejects += 1
                piece = reject_batch(position, batch_id, unreadable_reject(next(salvage_copies(chunk[0])), error))
            position.max_at_ms = piece.max_at_ms
            if found is None:
                found = piece
            else:
                found.extend(piece)
        LOGGER.error("%s: quarantining %d records of %s", part.target.name, rejects, position.key.topic_partition)
        return found


def reject_batch(position: Position, batch_id: int, reject: Reject) -> SourceBatch:
    """A batch of a single rejected record."""
    offset = reject.record.offset() or 0
    batch = SourceBatch(position, batch_id, offset, offset, max_at_ms=position.max_at_ms)
    batch.bytes = len(reject.record.value() or b"")
    batch.records.append(reject.record)
    batch.rejects.append(reject)
    return batch


def _day(now_ms: int) -> datetime.date:
    return watermark_time(now_ms).date()
