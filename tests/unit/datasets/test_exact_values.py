"""A value is kept exactly or refused, alone and among others."""

import datetime
import decimal
from collections.abc import Callable
from typing import Any

import pytest

from apps.datasets.core.document.odcs import contract_from_odcs
from apps.datasets.core.record.json_reader import JsonReader
from apps.ingest.core.decoding import Decoder
from apps.ingest.core.records import Position, SourceKey, TopicPartition
from tests.bulk_rows import bulk_outcomes, comparable, outcome
from tests.documents import document
from tests.exact_values import FIELDS, REFUSED, REPEATED, STORED, record, records
from tests.fakes.memory_kafka import MemoryRecord

CONTRACT = contract_from_odcs(document("things", FIELDS))
READER = JsonReader(CONTRACT)
COLUMNS = [field["name"] for field in FIELDS]


PARSERS: dict[str, Callable[[str], Any]] = {
    "double": float,
    **dict.fromkeys(("number", "money", "rate", "share"), decimal.Decimal),
    **dict.fromkeys(("at", "local"), datetime.datetime.fromisoformat),
    "clock": datetime.time.fromisoformat,
    "big": int,
    "text": str,
}
"""Reads PostgreSQL's text; the columns that are missing are compared in PostgreSQL only."""


@pytest.mark.parametrize(("column", "text", "kept"), STORED)
def test_a_value_is_kept(column: str, text: str, kept: str | None) -> None:
    row = outcome(READER, record(column, text))
    assert len(row) == len(COLUMNS), row
    value = row[COLUMNS.index(column)]
    if kept is None:
        assert value is None
    elif column in PARSERS:
        assert value == PARSERS[column](kept)


@pytest.mark.parametrize(("column", "text", "reason"), REFUSED)
def test_a_value_that_would_change_is_refused(column: str, text: str, reason: str) -> None:
    assert outcome(READER, record(column, text)) == (reason, column)


@pytest.mark.parametrize("text", REPEATED)
def test_a_repeated_name_is_refused(text: str) -> None:
    assert outcome(READER, text.encode())[0] == "duplicate_field"


def test_a_chunk_of_all_values_becomes_what_each_becomes_alone() -> None:
    values = [value for value, _, _ in records()] * 3
    assert bulk_outcomes(READER, values) == [outcome(READER, value) for value in values]


def test_the_decoder_stores_or_rejects_each_record_in_order() -> None:
    decoder = Decoder(CONTRACT)
    sent = [
        MemoryRecord(TopicPartition("t", 0), offset, None, value, 0) for offset, (value, _, _) in enumerate(records())
    ]
    position = Position(7, SourceKey(1, "t", "id", 0), 1, 0)
    batch = decoder.decode(sent, position=position, batch_id=5, now_ms=1)
    offset = decoder.source_index + 1
    assert [row[offset] for row in batch.rows] == list(range(len(STORED)))
    assert [reject.record.offset() for reject in batch.rejects] == list(range(len(STORED), len(sent)))
    assert [reject.reason for reject in batch.rejects] == [reason for _, _, reason in records()[len(STORED) :]]
    for row, one in zip(batch.rows, sent, strict=False):
        assert comparable(READER, row[: decoder.source_index]) == outcome(READER, one.value() or b"")
        assert row[decoder.source_index :] == (7, one.offset(), 5)
