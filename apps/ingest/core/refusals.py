"""What PostgreSQL's rejection of a row means in the contract's terms. Repeats no value, which its messages may do."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from apps.datasets.core.contract.contract import Contract
from apps.datasets.core.errors import BadRecord, RecordFault
from apps.datasets.core.record.json_syntax import not_utf8
from apps.datasets.core.record.record_errors import bad_record
from apps.datasets.core.table.ddl import constraint_field, indexed_columns
from apps.ingest.core.errors import RecordRefused

REFUSED: Final = "refused_by_database"
TOO_LARGE: Final = "too_large"

LIMIT_CLASS: Final = "54"
UNIQUE: Final = "23505"
REQUIRED: Final = ("23502", "23514")
NO_TEXT: Final = "22021"
INDEX_ROW: Final = "index row"
"""How PostgreSQL's messages about it begin, in English."""
MAX_INDEXED_BYTES: Final = 2_704
"""Bytes of an index row; PostgreSQL compresses values, so longer ones may fit."""

_QUOTED: Final = re.compile(r'"[^"]*+(?:"(?!\s|$)[^"]*+)*+"?', re.DOTALL)


def refused_record(
    contract: Contract, dataset_id: int, error: RecordRefused, values: Mapping[str, Any] | None = None
) -> BadRecord:
    """The error for a row that PostgreSQL rejected; `values` are its columns'."""
    reason = TOO_LARGE if error.sqlstate.startswith(LIMIT_CLASS) else REFUSED
    rules = dict(_rules(contract, dataset_id, error, values or {}))
    return bad_record([RecordFault(name, reason, rule) for name, rule in rules.items()])


def _rules(
    contract: Contract, dataset_id: int, error: RecordRefused, values: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Each field at fault ("" for the row), and the rule that it violates."""
    field = constraint_field(contract, dataset_id, error.constraint)
    name = field.name if field is not None else error.column
    if error.sqlstate == UNIQUE and name:
        yield name, f"{name!r} must be unique, and another row already has this value"
    elif error.sqlstate in REQUIRED and name:
        yield name, f"{name!r} is required but null"
    elif error.sqlstate == NO_TEXT and (broken := _broken_documents(values)):
        yield from broken.items()
    elif error.sqlstate.startswith(LIMIT_CLASS) and (long := _long_columns(contract, dataset_id, error, values)):
        for column in long:
            yield column, f"{column!r} is too long for an index: shorten it to {MAX_INDEXED_BYTES} bytes"
    else:
        yield name, f"PostgreSQL cannot store {repr(name) if name else 'the record'}: {without_values(str(error))}"


def _broken_documents(values: Mapping[str, Any]) -> dict[str, str]:
    """The columns with JSON that is not UTF-8, and why."""
    documents = {name: bytes(value) for name, value in values.items() if isinstance(value, msgspec.Raw)}
    return {name: f"{name!r} {rule}" for name, text in documents.items() if (rule := not_utf8(text))}


def _long_columns(contract: Contract, dataset_id: int, error: RecordRefused, values: Mapping[str, Any]) -> list[str]:
    """The columns of the index whose row was too large, except short ones; empty if it was no index."""
    # PostgreSQL names no index if the row is too large for any.
    if not error.constraint and not str(error).startswith(INDEX_ROW):
        return []
    sizes = {name: _bytes(values.get(name)) for name in indexed_columns(contract, dataset_id, error.constraint)}
    columns = [name for name, size in sizes.items() if size > MAX_INDEXED_BYTES // len(sizes)]
    return columns or [name for name in sizes if name in values]


def _bytes(value: Any) -> int:
    return len(value.encode("utf-8", "replace") if isinstance(value, str) else str(value))


def without_values(message: str) -> str:
    """PostgreSQL's message without what it quotes."""
    return _QUOTED.sub("…", message.split(": ", maxsplit=1)[0])
