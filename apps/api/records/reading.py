"""Reads records: pages, single records, cursors."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import msgspec
from django.conf import settings

from apps.api.access.selectors import AccessScope, visible_rows
from apps.api.access.visible_schema import column_kind
from apps.api.errors import DatabaseUnavailable, ParameterInvalid, RecordNotFound, ResponseTooLarge
from apps.api.records.adapters.pages import (
    FirstRecordTooLarge,
    PageContent,
    RecordIdEncoder,
    fetch,
    fetch_page,
    json_texts,
)
from apps.api.records.adapters.statement_templates import cached_page_statement
from apps.api.records.adapters.statements import Statement, item_statement, sizes_statement
from apps.api.records.core.literals import stored_literal
from apps.api.records.core.omissions import omissions
from apps.api.records.core.position_compression import compress_position, decompress_position
from apps.api.records.core.query import RecordsQuery, item_fields, page_query
from apps.api.records.core.record_id import read_id
from apps.api.records.core.sealer import Sealer, SealInvalid
from apps.datasets.core.contract.contract import ContractField

Pairs = Iterable[tuple[str, str]]
Fetch = Callable[[Statement], list[tuple[Any, ...]]]

MARGIN: Final = 8192
"""Bytes reserved for a record's id and the names of its omitted fields."""
TRIES: Final = 3
"""Attempts, because a record may grow between the two statements that measure and read it."""


@dataclass(frozen=True, slots=True)
class RecordsPage:
    """A page's records as JSON texts, and the cursor of the next page (None on the last)."""

    records: PageContent
    cursor: str | None


@dataclass(frozen=True, slots=True)
class RecordItem:
    """A record as JSON text, its ETag, and the names of its omitted fields."""

    body: str
    etag: str
    omitted: tuple[str, ...] = ()


def records_page(access: AccessScope, pairs: Pairs) -> RecordsPage:
    """The requested page. Raises ParameterInvalid, ActionForbidden, and what `fetch` raises."""
    access.require("read")
    query = page_query(access.schema, pairs)
    position = _position(query)
    page = _page(access, query, position)
    while page is None:  # its only record was deleted meanwhile
        page = _page(access, query, position)
    if page.position is None:
        return RecordsPage(page, None)
    return RecordsPage(page, _sealer("cursor").seal(compress_position(page.position), bound_to=query.fingerprint))


def _page(access: AccessScope, query: RecordsQuery, position: Sequence[str | None] | None) -> PageContent | None:
    version = (access.dataset.id, access.dataset.version)
    max_bytes = settings.API.max_response_bytes
    statement = cached_page_statement(version, lambda: visible_rows(access), query, position, max_bytes=max_bytes)
    try:
        return fetch_page(statement, query.limit, record_id_encoder(access), max_bytes)
    except FirstRecordTooLarge as oversized:
        item = item_without_large(fetch, access, query.fields, stored_key(access, oversized.key))
        return PageContent([item.body], oversized.position) if item else None


def record_item(access: AccessScope, record_id: str, pairs: Pairs) -> RecordItem:
    """The record with this id. Raises RecordNotFound, ParameterInvalid, ActionForbidden, and what `fetch` raises.

    Raises ResponseTooLarge: each of the requested fields exceeds the limit on its own.
    """
    rows = visible_rows(access)
    parameters = dict(pairs)
    fields = item_fields(access.schema, pairs)
    key = key_of(access, record_id)
    found = fetch(item_statement(rows, access.schema.contract, fields, key, settings.API.max_response_bytes))
    if not found:
        raise RecordNotFound
    body, key_text, row_version = found[0]
    if body is not None:
        return RecordItem(record_id_encoder(access).record(body, key_text), etag_of(*json_texts(row_version)))
    item = item_without_large(fetch, access, fields, key)
    if item is None:
        raise RecordNotFound
    if "fields" in parameters and len(item.omitted) == len(fields):
        raise ResponseTooLarge(
            f"the field {item.omitted[0]!r} of this record exceeds {settings.API.max_response_bytes} bytes",
            parameter="fields",
            field=item.omitted[0],
        )
    return item


def item_without_large(
    fetch: Fetch, access: AccessScope, fields: Sequence[ContractField], key: tuple[str, ...]
) -> RecordItem | None:
    """The record without its largest fields, or None if it no longer exists. Raises DatabaseUnavailable."""
    rows, contract, ids = visible_rows(access), access.schema.contract, record_id_encoder(access)
    max_bytes = settings.API.max_response_bytes
    for _ in range(TRIES):
        sizes = fetch(sizes_statement(rows, contract, fields, key, max_bytes))
        if not sizes:
            return None
        omitted = omissions(dict(zip((field.name for field in fields), sizes[0], strict=True)), max_bytes - MARGIN)
        kept = [field for field in fields if field.name not in omitted]
        found = fetch(item_statement(rows, contract, kept, key, max_bytes))
        if not found:
            return None
        body, key_text, row_version = found[0]
        if body is not None:
            return RecordItem(ids.record(body, key_text, omitted), etag_of(*json_texts(row_version)), omitted)
    raise DatabaseUnavailable("the record keeps changing: retry later")


def etag_of(batch: str, rev: str = "") -> str:
    """The ETag of a row: its revision, or its batch in an append dataset, whose rows never change."""
    return f'"{rev or batch}"'


def key_of(access: AccessScope, record_id: str) -> tuple[str, ...]:
    """The primary key encoded in an id. Raises RecordNotFound."""
    ids = record_id_encoder(access)
    key = read_id(record_id, access.schema.key_types(), sealer=ids.sealer, bound_to=ids.dataset)
    if key is None:
        raise RecordNotFound
    return key


def stored_key(access: AccessScope, text: str) -> tuple[str, ...]:
    """The primary key in a JSON array selected by a statement."""
    return tuple(map(stored_literal, access.schema.key_types(), json_texts(text)))


def record_id_encoder(access: AccessScope) -> RecordIdEncoder:
    """The id encoder for this access."""
    return RecordIdEncoder(access.dataset.name, None if access.schema.has_plaintext_id else _sealer("id"))


def _position(query: RecordsQuery) -> list[str | None] | None:
    if not query.cursor:
        return None
    try:
        text = _sealer("cursor").open(query.cursor, bound_to=query.fingerprint)
    except SealInvalid:
        raise ParameterInvalid(
            "the cursor belongs to a different query: keep the filters and order of `next`, or start over",
            parameter="cursor",
        ) from None
    kinds = [column_kind(query.schema.contract, column.name) for column in query.sort]
    values = msgspec.json.decode(decompress_position(text), type=list[str | None])
    return [value and stored_literal(kind, value) for kind, value in zip(kinds, values, strict=True)]


@cache
def _sealer(purpose: str) -> Sealer:
    return Sealer(settings.SECRET_KEY, purpose, former=settings.SECRET_KEY_FALLBACKS)
