"""Reading records: a page, one record, and the way from a cursor to a position and back."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import msgspec
from django.conf import settings

from apps.api.adapters.copies import CsvExport
from apps.api.adapters.pages import IdMaker, Page, fetch, fetch_page, marks_of
from apps.api.adapters.statements import export_statement, item_statement
from apps.api.adapters.templates import page_of
from apps.api.core.errors import ParameterInvalid, RecordUnknown
from apps.api.core.literals import literal
from apps.api.core.query import RecordsQuery, export_query, item_fields, page_query
from apps.api.core.record_id import read_id
from apps.api.core.sealing import Broken, Sealer
from apps.api.core.surface import column_kind
from apps.api.selectors import Access, visible_rows

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RecordsPage:
    """A page's records as JSON texts, and the cursor of the next page, None on the last."""

    records: Page
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One record as JSON text, and the tag that changes whenever it does."""

    body: str
    etag: str


def records_page(access: Access, pairs: Pairs) -> RecordsPage:
    """The page that the parameters ask for. Raises ParameterInvalid, ActionRefused, and what a fetch raises."""
    access.require("read")
    query = page_query(access.surface, pairs)
    version = (access.applied.id, access.applied.number)
    statement = page_of(version, lambda: visible_rows(access), query, _position(query))
    page = fetch_page(statement, query.limit, id_maker(access))
    if page.position is None:
        return RecordsPage(page, None)
    return RecordsPage(page, _sealer("cursor").seal(page.position, bound_to=query.fingerprint))


def record_item(access: Access, record_id: str, pairs: Pairs) -> Item:
    """The record of this id. Raises RecordUnknown, ParameterInvalid, ActionRefused, and what a fetch raises."""
    rows = visible_rows(access)
    fields = item_fields(access.surface, pairs)
    key = key_of(access, record_id)
    found = fetch(item_statement(rows, access.surface.contract, fields, key))
    if not found:
        raise RecordUnknown
    body, key_text, marks = found[0]
    return Item(id_maker(access).record(body, key_text), etag_of(*marks_of(marks)))


def records_csv(access: Access, pairs: Pairs) -> CsvExport:
    """The rows as CSV, begun. Raises ParameterInvalid, ActionRefused, ExportsBusy, and what a fetch raises."""
    rows = visible_rows(access)
    return CsvExport(export_statement(rows, export_query(access.surface, pairs)), access.applied.name)


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
    values = msgspec.json.decode(text, type=list[str | None])
    return [value and literal(kind, value) for kind, value in zip(kinds, values, strict=True)]


@cache
def _sealer(purpose: str) -> Sealer:
    return Sealer(settings.SECRET_KEY, purpose, former=settings.SECRET_KEY_FALLBACKS)
