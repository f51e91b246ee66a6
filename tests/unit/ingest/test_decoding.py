"""Decoding records: appends, upserts, tombstones, late events."""

import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.datasets.core.table.month_bounds import month_bounds
from apps.ingest.adapters.quarantine_rows import headers_json, storable
from apps.ingest.core.decoding import Decoder
from apps.ingest.core.records import Position, Row, SourceBatch, SourceKey, TopicPartition
from apps.ingest.core.watermarks import watermark_time
from apps.ingest.services.batch_commit import months_between
from tests.documents import document, prop
from tests.fakes.memory_kafka import MemoryRecord
from tests.unit.ingest.world import NOW_MS, applied, entities, events, timed

PLACE = TopicPartition("t", 0)
KEPT = (datetime.date(2013, 1, 1), datetime.date(2013, 2, 1))


def part_of(
    decoder: Decoder, *values: bytes | None, keys: tuple[bytes | None, ...] = (), mark: int = 0
) -> SourceBatch:
    records = [
        MemoryRecord(PLACE, 10 + number, keys[number] if keys else None, value, 1_000 + number)
        for number, value in enumerate(values)
    ]
    position = Position(7, SourceKey(1, "t", "id", 0), 1, 10, mark)
    return decoder.decode(records, position=position, batch_id=5, now_ms=NOW_MS)


def test_an_append_row_has_its_fields_and_its_coordinates() -> None:
    decoder = Decoder(events().contract)
    part = part_of(decoder, b'{"id":1,"name":"a"}', b'{"id":2}')
    assert decoder.columns == ("id", "name", "_source", "_offset", "_batch")
    assert part.rows == [(1, "a", 7, 10, 5), (2, None, 7, 11, 5)]
    assert (part.first_offset, part.next_offset, part.bytes) == (10, 12, 27)
    assert part.max_at_ms == 1_001


def test_an_upsert_row_has_its_watermark_and_a_tombstone_only_its_key() -> None:
    decoder = Decoder(entities().contract)
    part = part_of(decoder, b'{"id":1,"name":"a"}', None, keys=(None, b"1"), mark=5_000)
    assert decoder.columns[-2:] == ("_at", "_deleted")
    at = watermark_time(5_000)
    assert part.rows == [(1, "a", 7, 10, 5, at, False), (1, None, 7, 11, 5, at, True)]


@pytest.mark.parametrize("key", [None, b"x", b'{"other":1}', b"[1,2]", b'""'])
def test_a_tombstone_whose_key_violates_the_contract_is_a_bad_key(key: bytes | None) -> None:
    part = part_of(Decoder(entities().contract), None, keys=(key,))
    assert [reject.reason for reject in part.rejects] == ["bad_key"]
    assert part.rows == []


def test_late_rows_are_removed_and_the_event_times_updated() -> None:
    decoder = Decoder(timed().contract)
    stamps = ("2013-01-31T23:59:59.999999Z", "2013-02-01T00:00:00Z", "2012-12-31T23:59:59Z", "2013-01-05T00:00:00Z")
    part = part_of(decoder, *(msgspec.json.encode({"id": 1, "at": stamp}) for stamp in stamps))
    assert decoder.reject_late(part, KEPT) == 2
    assert [row[3] for row in part.rows] == [10, 13]
    assert [reject.record.offset() for reject in part.rejects] == [11, 12]
    assert (part.min_event_time, part.max_event_time) == (
        datetime.datetime(2013, 1, 5, tzinfo=datetime.UTC),
        datetime.datetime(2013, 1, 31, 23, 59, 59, 999_999, tzinfo=datetime.UTC),
    )


def test_a_row_without_event_time_is_a_missing_field() -> None:
    loose = [prop("id", "integer"), prop("at", "timestamp", partitioned=True)]
    decoder = Decoder(applied(1, document("loose", loose, mode="append")).contract)
    part = part_of(decoder, b'{"id":1}', b'{"id":2,"at":"2013-01-01T00:00:00Z"}')
    assert [(reject.reason, reject.field) for reject in part.rejects] == [("missing_field", "at")]
    assert len(part.rows) == 1


@pytest.mark.parametrize("physical", ["timestamp", "date"])
def test_event_times_of_every_type_are_bounded(physical: str) -> None:
    properties = [prop("at", "date" if physical == "date" else "timestamp", physical, partitioned=True, required=True)]
    decoder = Decoder(applied(1, document("typed", properties, mode="append")).contract)
    stamps: list[Any] = ["2013-01-05", "2014-01-05"]
    if physical == "timestamp":
        stamps = [f"{stamp}T00:00:00" for stamp in stamps]
    part = part_of(decoder, *(msgspec.json.encode({"at": stamp}) for stamp in stamps))
    assert part.rejects == []
    assert decoder.reject_late(part, KEPT) == 1


def test_a_contract_may_extend_to_the_last_representable_month() -> None:
    properties = [prop("at", "date", partitioned=True, required=True)]
    contract = applied(1, document("typed", properties, mode="append", latest="9999-12")).contract
    decoder = Decoder(contract)
    part = part_of(decoder, b'{"at":"2026-01-05"}', b'{"at":"9999-12-30"}', b'{"at":"9999-12-31"}')
    assert decoder.reject_late(part, month_bounds(contract, datetime.date(2026, 1, 1))) == 1
    first, last = part.min_event_time, part.max_event_time
    assert first is not None
    assert last is not None
    *_, month = months_between(first, last)
    assert str(month) == "9999-12-01"


def test_months_between_two_times_are_complete() -> None:
    first, last = (datetime.datetime(year, month, 31, tzinfo=datetime.UTC) for year, month in ((2012, 12), (2013, 3)))
    assert [str(month) for month in months_between(first, last)] == [
        "2012-12-01",
        "2013-01-01",
        "2013-02-01",
        "2013-03-01",
    ]


def test_headers_keep_order_repetition_and_bytes_that_are_not_text() -> None:
    text = headers_json([("a", b"x"), ("a", None), ("b", b"\xff"), ("c", b"n\0"), ("d\0", b"")])
    assert msgspec.json.decode(text) == [
        ["a", "x"],
        ["a", None],
        ["b", {"hex": "ff"}],
        ["c", {"hex": "6e00"}],
        ["d\ufffd", ""],
    ]
    assert headers_json(()) == "[]"


def test_text_that_postgresql_cannot_store_is_replaced() -> None:
    assert storable("a\0b") == "a\ufffdb"
    assert storable("\ud800") == "?"


FIELDS = [
    prop("id", "integer", "integer", required=True, logicalTypeOptions={"minimum": -5}),
    prop("name", physicalType="varchar(4)"),
    prop("at", "timestamp"),
    prop("amount", "number", "numeric(5,2)"),
    prop("code", logicalTypeOptions={"pattern": r"^[a-z]\s?$"}),
    prop("doc", "object"),
    prop("free", "number", "numeric"),
]
VALUES = st.one_of(
    st.fixed_dictionaries(
        {"id": st.integers(-10, 10)},
        optional={
            "name": st.one_of(st.none(), st.text(max_size=6)),
            "at": st.sampled_from(["2013-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "never", None]),
            "amount": st.sampled_from(["1.5", "1.555", "NaN", 12, 1e9]),
            "other": st.just(1),
            "code": st.sampled_from(["a", "b\n", "a b", "", None]),
            "doc": st.sampled_from([None, {}, {"a": "1e5000"}, [], msgspec.Raw(b'{"a":1e5000}')]),
            "free": st.sampled_from([1, msgspec.Raw(b"1e5000"), msgspec.Raw(b"1e300")]),
        },
    ).map(msgspec.json.encode),
    st.sampled_from([None, b"", b"{", b"[]", b'{"id":1,"name":"\\u0000"}', b'{"id":1,"name":"\\\\u0000"}']),
)


@pytest.mark.parametrize("mode", ["append", "upsert"])
@pytest.mark.parametrize("unknown", ["reject", "ignore", "keep"])
@given(values=st.lists(VALUES, min_size=1, max_size=6))
def test_a_chunk_decodes_to_the_same_rows_as_its_single_records(
    mode: str, unknown: str, values: list[bytes | None]
) -> None:
    fields = [{**FIELDS[0], "primaryKey": mode == "upsert"}, *FIELDS[1:]]
    decoder = Decoder(applied(1, document("chunks", fields, mode=mode, unknownFields=unknown)).contract)
    own = decoder.source_index
    chunk = part_of(decoder, *values)
    single = [part_of(decoder, value) for value in values]
    assert [plain(row[:own]) for row in chunk.rows] == [plain(row[:own]) for part in single for row in part.rows]
    assert [reject.reason for reject in chunk.rejects] == [reject.reason for part in single for reject in part.rejects]
    assert len(chunk.rows) + len(chunk.rejects) == len(values)
    assert [row[own + 1] for row in chunk.rows] == sorted(row[own + 1] for row in chunk.rows)


def plain(row: Row) -> list[Any]:
    """The row's values, with raw JSON as comparable bytes."""
    return [bytes(value) if isinstance(value, msgspec.Raw) else value for value in row]
