"""What bulk decoding makes of records, in a form that compares with the values of single decoding."""

import decimal
from collections.abc import Sequence
from typing import Any

import msgspec

from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json_reader import JsonReader

Outcome = tuple[Any, ...]
"""A row's values, or the reason and the field of a rejection."""


def comparable(reader: JsonReader, row: Sequence[Any]) -> Outcome:
    """The row with raw JSON as bytes, and with numbers that bulk decoding leaves as text as Decimals."""
    wires = (*reader.wires, *("",) * (len(row) - len(reader.wires)))
    values = with_decimals(row, wires)
    return tuple(bytes(value) if isinstance(value, msgspec.Raw) else value for value in values)


def suspects(reader: JsonReader, values: Sequence[bytes | None]) -> list[int]:
    """The indexes of the records that must be checked individually."""
    return reader.decode_all(values, [()] * len(values)).suspects


def outcome(reader: JsonReader, value: bytes) -> Outcome:
    """What becomes of a record that is decoded on its own."""
    try:
        return comparable(reader, reader.decode(value))
    except BadRecord as error:
        return error.reason, error.field


def bulk_outcomes(reader: JsonReader, values: Sequence[bytes]) -> list[Outcome]:
    """What becomes of records that are decoded in bulk, with the suspects decoded individually."""
    found = reader.decode_all(values, [()] * len(values))
    alone = set(found.suspects)
    return [
        outcome(reader, value) if number in alone else comparable(reader, row)
        for number, (value, row) in enumerate(zip(values, found.rows, strict=True))
    ]


def with_decimals(row: Sequence[Any], wires: Sequence[str]) -> Outcome:
    """The row with numbers that bulk decoding leaves as text as Decimals."""
    return tuple(
        msgspec.json.decode(value, type=decimal.Decimal)
        if wire == "numeric" and isinstance(value, msgspec.Raw)
        else value
        for value, wire in zip(row, wires, strict=True)
    )
