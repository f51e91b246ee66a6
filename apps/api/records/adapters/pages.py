"""Fetches pages and records. PostgreSQL encodes each record; Python adds the `_id` and joins them."""

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
    """Encodes the `_id`s of one dataset: plaintext, or sealed if a key column is hidden."""

    dataset: str
    sealer: Sealer | None

    def encode(self, key: str) -> str:
        """The `_id` for a primary key, given as a JSON array of texts."""
        if self.sealer is not None:
            return SEALED + self.sealer.seal(key, bound_to=self.dataset)
        return PLAIN + base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()

    def record(self, body: str, key: str, omitted: Sequence[str] = ()) -> str:
        """The record's JSON with its `_id` and the names of its omitted fields added at the start."""
        named = f',"{OMITTED}":{msgspec.json.encode(omitted).decode()}' if omitted else ""
        rest = body[1:]
        return f'{{"_id":"{self.encode(key)}"{named}{rest if rest == "}" else "," + rest}'


@dataclass(frozen=True, slots=True)
class PageContent:
    """A page's records as JSON texts, and the position of the last one if more follow."""

    records: Sequence[str]
    position: str | None


class FirstRecordTooLarge(Exception):
    """The page's first record exceeds the response limit: fetch it by its key, without its large fields.

    `position` is the record's position if more records follow.
    """

    def __init__(self, key: str, position: str | None) -> None:
        super().__init__(self.__doc__)
        self.key = key
        self.position = position


def fetch_page(statement: Statement, limit: int, ids: RecordIdEncoder, max_bytes: int) -> PageContent:
    """The page, ended before the record that would exceed `max_bytes`.

    Raises FirstRecordTooLarge, ContractOutdated, QueryTimeout, DatabaseUnavailable.
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
    """The statement's rows, read with the read-only role. For records: body, key and position.

    Raises ContractOutdated, QueryTimeout, DatabaseUnavailable.
    """
    with translate_database_errors():
        return fetch_prepared("reader", statement.sql, statement.params)


def bytes_of(text: str) -> int:
    """The size of the text in UTF-8, bytes."""
    return len(text) if text.isascii() else len(text.encode())


def json_texts(array: str) -> list[str]:
    """The texts in a JSON array, such as a key or a position."""
    return msgspec.json.decode(array, type=list[str])
