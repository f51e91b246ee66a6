"""Pages and single records: PostgreSQL's text for each record, joined to the answer's body."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from apps.api.adapters.prepared import fetch_prepared
from apps.api.adapters.refusals import told
from apps.api.adapters.statements import Statement
from apps.api.core.record_id import OPEN, SEALED
from apps.api.core.sealing import Sealer


@dataclass(frozen=True, slots=True)
class IdMaker:
    """Writes `_id`s of one dataset: in the clear, or sealed where a part of the key is hidden."""

    dataset: str
    sealer: Sealer | None

    def make(self, key: str) -> str:
        """The `_id` of a primary key, given as a JSON array of texts."""
        if self.sealer is not None:
            return SEALED + self.sealer.seal(key, bound_to=self.dataset)
        return OPEN + base64.urlsafe_b64encode(key.encode()).rstrip(b"=").decode()

    def record(self, body: str, key: str) -> str:
        """The record's JSON with its `_id` in front."""
        rest = body[1:]
        return f'{{"_id":"{self.make(key)}"{rest if rest == "}" else "," + rest}'


@dataclass(frozen=True, slots=True)
class Page:
    """The records of a page as JSON texts, and the position of the last when more follow."""

    records: Sequence[str]
    position: str | None


def fetch_page(statement: Statement, limit: int, ids: IdMaker) -> Page:
    """The page. Raises ContractMoved, QueryTooSlow, StoreAway."""
    rows = fetch(statement)
    records = [ids.record(body, key) for body, key, _ in rows[:limit]]
    return Page(records, rows[limit - 1][2] if len(rows) > limit else None)


def fetch(statement: Statement) -> list[tuple[str, str, str]]:
    """Body, key and position of each row, on the role that can only read.

    Raises ContractMoved, QueryTooSlow, StoreAway.
    """
    with told():
        rows: list[tuple[Any, ...]] = fetch_prepared("reader", statement.sql, statement.params)
        return [(body, key, position) for body, key, position in rows]


def marks_of(position: str) -> list[str]:
    """The texts of a position."""
    return msgspec.json.decode(position, type=list[str])
