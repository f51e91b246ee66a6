"""Decode the records of one source into rows of a contract's table, and into rejects."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any, Final, cast

from apps.datasets.core.contract.contract import AT, BATCH, DELETED, OFFSET, SOURCE, Contract, LatePolicy, WriteMode
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.formats import record_reader
from apps.datasets.core.record.record_format import BulkRows
from apps.ingest.core.records import ConsumerRecord, Position, Row, SourceBatch
from apps.ingest.core.rejects import make_reject, tombstone_reject
from apps.ingest.core.watermarks import next_watermark, watermark_time, watermarks

LATE: Final = "late"
_COORDINATES: Final = ((SOURCE, "int4"), (OFFSET, "int8"), (BATCH, "int8"))
_UPSERT: Final = ((AT, "timestamptz"), (DELETED, "bool"))


class Decoder:
    """Decodes records of one contract. `columns` and `wires` (psycopg's type names) describe the rows."""

    def __init__(self, contract: Contract) -> None:
        reader = record_reader(contract)
        upsert = contract.mode is WriteMode.UPSERT
        system = (*_COORDINATES, *(_UPSERT if upsert else ()))
        self.contract = contract
        self.columns = (*reader.columns, *(name for name, _ in system))
        self.wires = (*reader.wires, *(wire for _, wire in system))
        self.source_index = len(reader.columns)
        self._reader = reader
        self._upserts_rows = upsert
        self._tails = self._upserts if upsert else self._appends
        self._key_indexes = tuple(reader.columns.index(name) for name in contract.key)
        self._event_index = reader.columns.index(contract.event_time) if contract.event_time is not None else None
        self._event_optional = contract.event_time is not None and not contract.field(contract.event_time).required

    def decode(
        self, records: Sequence[ConsumerRecord], *, position: Position, batch_id: int, now_ms: int
    ) -> SourceBatch:
        """The batch of these records: at least one, all of one source. Does not change the position."""
        first, last = records[0].offset(), records[-1].offset()
        batch = SourceBatch(position, batch_id, first or 0, last or 0, max_at_ms=position.max_at_ms)
        batch.records.extend(records)
        values = [record.value() for record in records]
        batch.bytes = _total_bytes(values)
        tails = self._tails(batch, values, now_ms)
        bulk = self._reader.decode_all(values, tails, batch.records)
        batch.rows = self._decode_suspects(batch, values, bulk) if bulk.suspects else bulk.rows
        if self._event_optional:
            self._reject_without_event_time(batch)
        self.set_event_times(batch)
        return batch

    def _reject_without_event_time(self, batch: SourceBatch) -> None:
        """Reject rows without event time: they belong to no month."""
        name = self.contract.event_time or ""
        error = BadRecord("missing_field", f"{name!r} is the event time and null", field=name)
        index = self._event_index
        timeless = [row for row in batch.rows if index is not None and row[index] is None]
        if timeless:
            self.reject_refused(batch, {row[self.source_index + 1]: (error, "") for row in timeless})

    def _appends(self, batch: SourceBatch, values: Sequence[bytes | None], now_ms: int) -> Iterable[Row]:
        """The tails of the rows; sets the batch's watermark."""
        # Used only for lag and freshness, so the last record represents the batch.
        batch.max_at_ms = next_watermark(batch.records[-1].timestamp(), watermark_ms=batch.max_at_ms, now_ms=now_ms)
        # Not operator.methodcaller, which takes three times as long.
        offsets = [record.offset() for record in batch.records]
        return zip(repeat(batch.position.source_id), offsets, repeat(batch.batch_id))

    def _upserts(self, batch: SourceBatch, values: Sequence[bytes | None], now_ms: int) -> Iterable[Row]:
        """The same with each row's own watermark, and whether it is a tombstone."""
        # A bad record also raises the watermark: its timestamp is valid whatever its value.
        stamps = [record.timestamp() for record in batch.records]
        marks = watermarks(stamps, watermark_ms=batch.max_at_ms, now_ms=now_ms)
        batch.max_at_ms = marks[-1]
        times = {mark: watermark_time(mark) for mark in set(marks)}
        return zip(
            repeat(batch.position.source_id),
            [record.offset() for record in batch.records],
            repeat(batch.batch_id),
            map(times.__getitem__, marks),
            [value is None for value in values],
        )

    def _decode_suspects(self, batch: SourceBatch, values: Sequence[bytes | None], bulk: BulkRows) -> list[Row]:
        """All rows, with those of the suspects decoded individually; rejects bad records."""
        rows: list[Row | None] = list(bulk.rows)
        for number in bulk.suspects:
            rows[number] = self._decode_one(batch, batch.records[number], values[number], bulk.rows[number])
        return [row for row in rows if row is not None]

    def _decode_one(self, batch: SourceBatch, record: ConsumerRecord, value: bytes | None, tail: Row) -> Row | None:
        """The record's row; None if it is rejected."""
        if value is None and not self._upserts_rows:
            batch.rejects.append(tombstone_reject(record))
            return None
        try:
            row = self._tombstone(record) if value is None else self._reader.decode(value, record)
        except BadRecord as error:
            batch.rejects.append(make_reject(record, error))
            return None
        return (*row, *tail)

    def _tombstone(self, record: ConsumerRecord) -> Row:
        values: list[Any] = [None] * len(self._reader.columns)
        for index, value in zip(self._key_indexes, self._reader.decode_key(record.key(), record), strict=True):
            values[index] = value
        return tuple(values)

    def event_times(self, batch: SourceBatch) -> list[datetime.datetime]:
        """The event time of each row of the batch; empty if the contract has no event time."""
        if self._event_index is None:
            return []
        return [as_utc(row[self._event_index]) for row in batch.rows]

    def set_event_times(self, batch: SourceBatch) -> None:
        """Set the batch's smallest and largest event time."""
        if self._event_index is None or not batch.rows:
            batch.min_event_time = batch.max_event_time = None
            return
        times = list(map(itemgetter(self._event_index), batch.rows))
        batch.min_event_time, batch.max_event_time = as_utc(min(times)), as_utc(max(times))

    def reject_late(self, batch: SourceBatch, bounds: tuple[datetime.date, datetime.date]) -> int:
        """Reject or drop the rows outside the months [from, until); return how many."""
        if self._event_index is None or not batch.rows:
            return 0
        low, high = (datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC) for day in bounds)
        if low <= _require(batch.min_event_time) and _require(batch.max_event_time) < high:
            return 0
        late = {row[self.source_index + 1] for row in batch.rows if not low <= as_utc(row[self._event_index]) < high}
        batch.rows = [row for row in batch.rows if row[self.source_index + 1] not in late]
        if self.contract.late is LatePolicy.DROP:
            batch.dropped += len(late)
        else:
            message = f"the event time is outside the months from {bounds[0]} to before {bounds[1]}"
            error = BadRecord(LATE, message, field=self.contract.event_time or "")
            batch.rejects += [make_reject(record, error) for record in batch.records if record.offset() in late]
        self.set_event_times(batch)
        return len(late)

    def reject_refused(self, batch: SourceBatch, refused: Mapping[int, tuple[BadRecord, str]]) -> None:
        """Reject the rows of these offsets, each with its error and SQLSTATE."""
        batch.rows = [row for row in batch.rows if row[self.source_index + 1] not in refused]
        for record in batch.records:
            offset = record.offset() or 0
            if offset in refused:
                error, sqlstate = refused[offset]
                batch.rejects.append(make_reject(record, error, sqlstate=sqlstate))
        self.set_event_times(batch)


def _total_bytes(values: Sequence[bytes | None]) -> int:
    try:
        return sum(map(len, cast("Sequence[bytes]", values)))
    except TypeError:
        return sum(len(value) for value in values if value is not None)


def as_utc(value: datetime.date | datetime.datetime) -> datetime.datetime:
    """A date or timestamp as an aware datetime in UTC; naive values are UTC."""
    if not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
    return value if value.tzinfo is not None else value.replace(tzinfo=datetime.UTC)


def _require(value: datetime.datetime | None) -> datetime.datetime:
    if value is None:
        raise ValueError("the batch's event times are not set")
    return value
