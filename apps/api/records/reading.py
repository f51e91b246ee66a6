"""Reading records: a page, one record, and the way from a cursor to a position and back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec
from django.conf import settings

from apps.api.access.selectors import Access, visible_rows
from apps.api.access.surface import column_kind
from apps.api.errors import AnswerTooLarge, ParameterInvalid, RecordUnknown, StoreAway
from apps.api.records.adapters.pages import IdMaker, Oversized, Page, fetch, fetch_page, marks_of
from apps.api.records.adapters.statements import Statement, item_statement, sizes_statement
from apps.api.records.adapters.templates import page_of
from apps.api.records.core.literals import stored_literal
from apps.api.records.core.omissions import omissions
from apps.api.records.core.packing import packed, unpacked
from apps.api.records.core.query import RecordsQuery, item_fields, page_query
from apps.api.records.core.record_id import read_id
from apps.api.records.core.sealing import Broken, Sealer
from apps.datasets.core.contract.contract import Field

Pairs = Iterable[tuple[str, str]]
Fetch = Callable[[Statement], list[tuple[Any, ...]]]

MARGIN: Final = 8192
"""Bytes that are kept for a record's id and the names of what it omits."""
TRIES: Final = 3
"""A record that grows while its sizes are looked at is looked at again."""


@dataclass(frozen=True, slots=True)
class RecordsPage:
    """A page's records as JSON texts, and the cursor of the next page, None on the last."""

    records: Page
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One record as JSON text, the tag that changes whenever it does, and the fields that it is given without."""

    body: str
    etag: str
    omitted: tuple[str, ...] = ()


def records_page(access: Access, pairs: Pairs) -> RecordsPage:
    """The page that the parameters ask for. Raises ParameterInvalid, ActionRefused, and what a fetch raises."""
    access.require("read")
    query = page_query(access.surface, pairs)
    position = _position(query)
    page = _page(access, query, position)
    while page is None:  # its only record was deleted meanwhile
        page = _page(access, query, position)
    if page.position is None:
        return RecordsPage(page, None)
    return RecordsPage(page, _sealer("cursor").seal(packed(page.position), bound_to=query.fingerprint))


def _page(access: Access, query: RecordsQuery, position: Sequence[str | None] | None) -> Page | None:
    version = (access.applied.id, access.applied.number)
    most_bytes = settings.API.max_answer_bytes
    statement = page_of(version, lambda: visible_rows(access), query, position, most_bytes=most_bytes)
    try:
        return fetch_page(statement, query.limit, id_maker(access), most_bytes)
    except Oversized as alone:
        item = item_without_large(fetch, access, query.fields, stored_key(access, alone.key))
        return Page([item.body], alone.position) if item else None


def record_item(access: Access, record_id: str, pairs: Pairs) -> Item:
    """The record of this id. Raises RecordUnknown, ParameterInvalid, ActionRefused, and what a fetch raises.

    Raises AnswerTooLarge: the parameters name fields, and each is too large by itself.
    """
    rows = visible_rows(access)
    asked = dict(pairs)
    fields = item_fields(access.surface, pairs)
    key = key_of(access, record_id)
    found = fetch(item_statement(rows, access.surface.contract, fields, key, settings.API.max_answer_bytes))
    if not found:
        raise RecordUnknown
    body, key_text, marks = found[0]
    if body is not None:
        return Item(id_maker(access).record(body, key_text), etag_of(*marks_of(marks)))
    item = item_without_large(fetch, access, fields, key)
    if item is None:
        raise RecordUnknown
    if "fields" in asked and len(item.omitted) == len(fields):
        raise AnswerTooLarge(
            f"the field {item.omitted[0]!r} of this record is larger than {settings.API.max_answer_bytes} bytes",
            parameter="fields",
            field=item.omitted[0],
        )
    return item


def item_without_large(fetch: Fetch, access: Access, fields: Sequence[Field], key: tuple[str, ...]) -> Item | None:
    """The record without its largest fields, as many as it takes; None where it is gone. Raises StoreAway."""
    rows, contract, ids = visible_rows(access), access.surface.contract, id_maker(access)
    most_bytes = settings.API.max_answer_bytes
    for _ in range(TRIES):
        sizes = fetch(sizes_statement(rows, contract, fields, key, most_bytes))
        if not sizes:
            return None
        omitted = omissions(dict(zip((field.name for field in fields), sizes[0], strict=True)), most_bytes - MARGIN)
        kept = [field for field in fields if field.name not in omitted]
        found = fetch(item_statement(rows, contract, kept, key, most_bytes))
        if not found:
            return None
        body, key_text, marks = found[0]
        if body is not None:
            return Item(ids.record(body, key_text, omitted), etag_of(*marks_of(marks)), omitted)
    raise StoreAway("this record changes while it is read: try again later")


def etag_of(batch: str, rev: str = "") -> str:
    """The tag of a row: its revision; a row of an append dataset never changes, so its batch will do."""
    return f'"{rev or batch}"'


def key_of(access: Access, record_id: str) -> tuple[str, ...]:
    """The primary key behind an id. Raises RecordUnknown."""
    ids = id_maker(access)
    key = read_id(record_id, access.surface.key_types(), sealer=ids.sealer, bound_to=ids.dataset)
    if key is None:
        raise RecordUnknown
    return key


def stored_key(access: Access, text: str) -> tuple[str, ...]:
    """The primary key that a statement gave."""
    return tuple(map(stored_literal, access.surface.key_types(), marks_of(text)))


def id_maker(access: Access) -> IdMaker:
    """What writes the ids that this access sees."""
    return IdMaker(access.applied.name, None if access.surface.id_is_open else _sealer("id"))


def _position(query: RecordsQuery) -> list[str | None] | None:
    if not query.cursor:
        return None
    try:
        text = _sealer("cursor").open(query.cursor, bound_to=query.fingerprint)
    except Broken:
        raise ParameterInvalid(
            "this cursor belongs to another query: follow `next` with the same filters and order, or start again",
            parameter="cursor",
        ) from None
    kinds = [column_kind(query.surface.contract, column.name) for column in query.sort]
    values = msgspec.json.decode(unpacked(text), type=list[str | None])
    return [value and stored_literal(kind, value) for kind, value in zip(kinds, values, strict=True)]


@cache
def _sealer(purpose: str) -> Sealer:
    return Sealer(settings.SECRET_KEY, purpose, former=settings.SECRET_KEY_FALLBACKS)
