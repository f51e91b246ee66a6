"""Records of one source into rows of a contract's table, and the rejects among them."""

import datetime
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final

from apps.datasets.core.contract.contract import AT, BATCH, DELETED, OFFSET, SOURCE, Contract, LatePolicy, WriteMode
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.formats import record_reader
from apps.ingest.core.records import ConsumerRecord, Position, Row, SourceBatch
from apps.ingest.core.rejects import make_reject, tombstone_reject
from apps.ingest.core.watermarks import next_watermark, watermark_time

LATE: Final = "late"
_COORDINATES: Final = ((SOURCE, "int4"), (OFFSET, "int8"), (BATCH, "int8"))
_UPSERT: Final = ((AT, "timestamptz"), (DELETED, "bool"))


class Decoder:
    """Makes rows of one contract: `columns` and `wires` (psycopg's type names) say what stands where."""

    def __init__(self, contract: Contract) -> None:
        reader = record_reader(contract)
        upsert = contract.mode is WriteMode.UPSERT
        system = (*_COORDINATES, *(_UPSERT if upsert else ()))
        self.contract = contract
        self.columns = (*reader.columns, *(name for name, _ in system))
        self.wires = (*reader.wires, *(wire for _, wire in system))
        self.source_index = len(reader.columns)
        self._reader = reader
        self._fill = self._upserts if upsert else self._appends
        self._key_indexes = tuple(reader.columns.index(name) for name in contract.key)
        self._event_index = reader.columns.index(contract.event_time) if contract.event_time is not None else None
        self._event_optional = contract.event_time is not None and not contract.field(contract.event_time).required

    def decode(
        self, records: Sequence[ConsumerRecord], *, position: Position, batch_id: int, now_ms: int
    ) -> SourceBatch:
        """What these records, at least one and all of one source, become; the position stays as it is."""
        first, last = records[0].offset(), records[-1].offset()
        part = SourceBatch(position, batch_id, first or 0, last or 0, max_at_ms=position.max_at_ms)
        part.records.extend(records)
        self._fill(part, now_ms)
        if self._event_optional:
            self._reject_without_event_time(part)
        self.set_event_times(part)
        return part

    def _reject_without_event_time(self, part: SourceBatch) -> None:
        """Turn rows without event time into rejects: no month holds them."""
        name = self.contract.event_time or ""
        error = BadRecord("missing_field", f"{name!r} is the event time and null", field=name)
        index = self._event_index
        lacking = [row for row in part.rows if index is not None and row[index] is None]
        if lacking:
            self.reject_refused(part, {row[self.source_index + 1]: (error, "") for row in lacking})

    def _appends(self, part: SourceBatch, now_ms: int) -> None:
        source, batch = part.position.source_id, part.batch_id
        values = [record.value() for record in part.records]
        part.bytes = sum(len(value) for value in values if value is not None)
        tails = [(source, record.offset(), batch) for record in part.records]
        rows = self._reader.decode_all(values, tails, part.records)
        if rows is None:
            self._append_one_by_one(part)
        else:
            part.rows = rows
        # Only for lag and freshness: the last record stands for its neighbours.
        part.max_at_ms = next_watermark(part.records[-1].timestamp(), watermark_ms=part.max_at_ms, now_ms=now_ms)

    def _append_one_by_one(self, part: SourceBatch) -> None:
        source, batch = part.position.source_id, part.batch_id
        decode, append = self._reader.decode, part.rows.append
        for record in part.records:
            value = record.value()
            if value is None:
                part.rejects.append(tombstone_reject(record))
                continue
            try:
                append((*decode(value, record), source, record.offset(), batch))
            except BadRecord as error:
                part.rejects.append(make_reject(record, error))

    def _upserts(self, part: SourceBatch, now_ms: int) -> None:
        source, batch, mark = part.position.source_id, part.batch_id, part.max_at_ms
        values = [record.value() for record in part.records]
        part.bytes = sum(len(value or b"") for value in values)
        tails: list[Row] = []
        for record, value in zip(part.records, values, strict=True):
            # A bad record raises the mark, too: it is a as_utc of its source, whatever it says.
            mark = next_watermark(record.timestamp(), watermark_ms=mark, now_ms=now_ms)
            tails.append((source, record.offset(), batch, watermark_time(mark), value is None))
        part.max_at_ms = mark
        rows = self._reader.decode_all(values, tails, part.records)
        if rows is None:
            self._upsert_one_by_one(part, values, tails)
        else:
            part.rows = rows

    def _upsert_one_by_one(self, part: SourceBatch, values: Sequence[bytes | None], tails: Sequence[Row]) -> None:
        for record, value, tail in zip(part.records, values, tails, strict=True):
            try:
                row = self._tombstone(record) if value is None else self._reader.decode(value, record)
            except BadRecord as error:
                part.rejects.append(make_reject(record, error))
                continue
            part.rows.append((*row, *tail))

    def _tombstone(self, record: ConsumerRecord) -> Row:
        values: list[Any] = [None] * len(self._reader.columns)
        for index, value in zip(self._key_indexes, self._reader.decode_key(record.key(), record), strict=True):
            values[index] = value
        return tuple(values)

    def event_times(self, part: SourceBatch) -> list[datetime.datetime]:
        """The event time of each of the part's rows; nothing where the contract has none."""
        if self._event_index is None:
            return []
        return [as_utc(row[self._event_index]) for row in part.rows]

    def set_event_times(self, part: SourceBatch) -> None:
        """Note the smallest and largest event time of the part's rows."""
        if self._event_index is None or not part.rows:
            part.min_event_time = part.max_event_time = None
            return
        times = list(map(itemgetter(self._event_index), part.rows))
        part.min_event_time, part.max_event_time = as_utc(min(times)), as_utc(max(times))

    def reject_late(self, part: SourceBatch, bounds: tuple[datetime.date, datetime.date]) -> int:
        """How many rows were outside of the months [from, until), and are now rejects or dropped."""
        if self._event_index is None or not part.rows:
            return 0
        low, high = (datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC) for day in bounds)
        if low <= _known(part.min_event_time) and _known(part.max_event_time) < high:
            return 0
        late = {row[self.source_index + 1] for row in part.rows if not low <= as_utc(row[self._event_index]) < high}
        part.rows = [row for row in part.rows if row[self.source_index + 1] not in late]
        if self.contract.late is LatePolicy.DROP:
            part.dropped += len(late)
        else:
            message = f"the event time is outside of the months from {bounds[0]} to before {bounds[1]}"
            error = BadRecord(LATE, message, field=self.contract.event_time or "")
            part.rejects += [make_reject(record, error) for record in part.records if record.offset() in late]
        self.set_event_times(part)
        return len(late)

    def reject_refused(self, part: SourceBatch, refused: Mapping[int, tuple[BadRecord, str]]) -> None:
        """Turn the rows of these offsets into rejects, each for its error and SQLSTATE."""
        part.rows = [row for row in part.rows if row[self.source_index + 1] not in refused]
        for record in part.records:
            offset = record.offset() or 0
            if offset in refused:
                error, sqlstate = refused[offset]
                part.rejects.append(make_reject(record, error, sqlstate=sqlstate))
        self.set_event_times(part)


def as_utc(value: datetime.date | datetime.datetime) -> datetime.datetime:
    """An event time of any of its types as a as_utc in UTC."""
    if not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
    return value if value.tzinfo is not None else value.replace(tzinfo=datetime.UTC)


def _known(value: datetime.datetime | None) -> datetime.datetime:
    if value is None:
        raise ValueError("the part's event times are not noted")
    return value
