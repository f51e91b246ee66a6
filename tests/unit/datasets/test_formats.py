"""A record format is a row of the table: contracts may name it, and ingest reads with it."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given

from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.errors import BadRecord, ContractInvalid
from apps.datasets.core.record.formats import FORMATS, record_reader
from apps.datasets.core.record.json_reader import json_reader
from apps.datasets.core.record.record_format import (
    UNDECODABLE,
    BulkRows,
    EncodedRecord,
    Values,
    all_suspect,
    undecodable,
)
from apps.datasets.core.record.row_checks import RowChecks
from apps.ingest.core.decoding import Decoder
from apps.ingest.core.records import Position, SourceKey, TopicPartition
from tests.documents import document, prop
from tests.fakes.memory_kafka import MemoryRecord
from tests.integration.api.test_types import records
from tests.unit.api.shapes import every_type

FIELDS = [prop("id", primaryKey=True), prop("name")]


class LinesReader:
    """Reads `name` from the value, split at the bytes that a header names, and `id` from the key."""

    def __init__(self, contract: Contract) -> None:
        checks = RowChecks(contract)
        self.columns, self.wires = checks.columns, checks.wires

    def decode(self, value: bytes, record: EncodedRecord, /) -> Values:
        separator = dict(record.headers() or ()).get("separator") or b","
        if separator not in value:
            raise undecodable("lines", f"it has no {separator.decode()}")
        return ((record.key() or b"").decode(), value.split(separator)[0].decode())

    def decode_all(
        self, _values: Sequence[bytes | None], tails: Iterable[Values], _records: Sequence[EncodedRecord], /
    ) -> BulkRows:
        return all_suspect(tails)

    def decode_key(self, key: bytes | None, _record: EncodedRecord, /) -> Values:
        if not key:
            raise BadRecord("bad_key", "the key is empty")
        return (key.decode(),)


def contract(form: Any, **custom: Any) -> Contract:
    return contract_from_odcs(document(properties=FIELDS, mode="upsert", format=form, **custom))


@pytest.mark.parametrize("form", ["avro", "JSON", "", None, 7, ["json"]])
def test_an_unknown_format_is_rejected_with_its_path_and_the_known_ones(form: Any) -> None:
    with pytest.raises(ContractInvalid) as error:
        contract(form)
    (problem,) = error.value.problems
    assert problem.path == "$.schema[0].customProperties[1].value"
    assert problem.rule == f"{form!r} is not a valid format"
    assert problem.remedy == f"use {', '.join(FORMATS)}"


def test_a_contract_without_format_is_read_as_json() -> None:
    plain = contract_from_odcs(document())
    assert plain.format == "json"
    assert record_reader(plain) is json_reader(plain)


def test_a_format_is_a_row_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "lines", LinesReader)
    decoder = Decoder(contract("lines"))
    place = TopicPartition("things", 0)
    records = [
        MemoryRecord(place, 0, b"1", b"a,x", 0),
        MemoryRecord(place, 1, b"2", b"b;x", 0, (("separator", b";"),)),
        MemoryRecord(place, 2, b"3", b"{}", 0),
        MemoryRecord(place, 3, b"1", None, 0),
        MemoryRecord(place, 4, None, None, 0),
    ]
    position = Position(7, SourceKey(1, "things", "id", 0), 1, 0)
    part = decoder.decode(records, position=position, batch_id=5, now_ms=1_000)
    assert [(*row[:2], row[3], row[-1]) for row in part.rows] == [
        ("1", "a", 0, False),
        ("2", "b", 1, False),
        ("1", None, 3, True),
    ]
    assert [(reject.record.offset(), reject.reason, reject.message) for reject in part.rejects] == [
        (2, "undecodable", "the record is not lines: it has no ,"),
        (4, "bad_key", "the key is empty"),
    ]


ENCODERS: dict[str, Callable[[dict[str, Any]], bytes]] = {"json": lambda record: json.dumps(record).encode()}
"""A record in each format of the table."""


@pytest.mark.parametrize("form", FORMATS)
@given(records())
def test_every_format_reads_the_same_values_as_json(form: str, record: dict[str, Any]) -> None:
    record["key"] = "a"
    reader = record_reader(contract_from_odcs(every_type(format=form)))
    wanted = json_reader(contract_from_odcs(every_type())).decode(json.dumps(record).encode())
    value = ENCODERS[form](record)
    place = TopicPartition("types", 0)
    kept = MemoryRecord(place, 0, ENCODERS[form]({"key": "a"}), value, 0)
    assert reader.decode(value, kept) == wanted
    for broken in (value[:-1], b"", b"\xff\xfe" + value):
        with pytest.raises(BadRecord) as error:
            reader.decode(broken, kept)
        assert error.value.reason in {"not_json", UNDECODABLE}
