"""Pages and single records: PostgreSQL's text for each record, joined to the answer's body."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from apps.api.access.visible_schema import OMITTED
from apps.api.prepared_statements import fetch_prepared
from apps.api.records.adapters.database_errors import translate_database_errors
from apps.api.records.adapters.statements import Statement
from apps.api.records.core.record_id import PLAIN, SEALED
from apps.api.records.core.sealer import Sealer


@dataclass(frozen=True, slots=True)
class RecordIdEncoder:
    """Writes `_id`s of one dataset: in the clear, or sealed where a part of the key is hidden."""

    dataset: str
    sealer: Sealer | None

    def make(self, key: str) -> str:
        """The `_id` of a primary key, given as a JSON array of texts."""
        if self.sealer is not None:
            return SEALED + self.sealer.seal(key, bound_to=self.dataset)
        return PLAIN + base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()

    def record(self, body: str, key: str, omitted: Sequence[str] = ()) -> str:
        """The record's JSON with its `_id` in front, then the names of the fields that it is given without."""
        named = f',"{OMITTED}":{msgspec.json.encode(omitted).decode()}' if omitted else ""
        rest = body[1:]
        return f'{{"_id":"{self.make(key)}"{named}{rest if rest == "}" else "," + rest}'


@dataclass(frozen=True, slots=True)
class PageContent:
    """The records of a page as JSON texts, and the position of the last when more follow."""

    records: Sequence[str]
    position: str | None


class FirstRecordTooLarge(Exception):
    """The first record of the page is too large for an answer: take it by its key, without its large fields.

    `position` is its own where more records follow.
    """

    def __init__(self, key: str, position: str | None) -> None:
        super().__init__(self.__doc__)
        self.key = key
        self.position = position


def fetch_page(statement: Statement, limit: int, ids: RecordIdEncoder, max_bytes: int) -> PageContent:
    """The page: it ends before the record that would make it larger than the bytes.

    Raises FirstRecordTooLarge, ContractChanged, QueryTimeout, DatabaseUnavailable.
    """
    rows = fetch(statement)
    records: list[str] = []
    size = 0
    for body, key, _ in rows[:limit]:
        if body is None:
            break
        record = ids.record(body, key)
        size += bytes_of(record)
        if size > max_bytes:
            break
        records.append(record)
    if rows and not records:
        raise FirstRecordTooLarge(rows[0][1], rows[0][2] if len(rows) > 1 else None)
    return PageContent(records, rows[len(records) - 1][2] if len(rows) > len(records) else None)


def fetch(statement: Statement) -> list[tuple[Any, ...]]:
    """The rows, on the role that can only read: of records, body, key and position of each.

    Raises ContractChanged, QueryTimeout, DatabaseUnavailable.
    """
    with translate_database_errors():
        return fetch_prepared("reader", statement.sql, statement.params)


def bytes_of(text: str) -> int:
    """The bytes of the text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def json_texts(position: str) -> list[str]:
    """The texts of a position."""
    return msgspec.json.decode(position, type=list[str])
