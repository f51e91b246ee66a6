"""Pages whose SQL is written once: requests of one shape differ in their values alone."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from django.db.models import QuerySet

from apps.api.access.visible_schema import Sort
from apps.api.records.adapters.statements import Statement, page_statement
from apps.api.records.core.keyset import Position
from apps.api.records.core.query import RecordsQuery


@dataclass(frozen=True, slots=True)
class PageShape:
    """All of a page's request but its values; `rows` and `query` say how to write it the first time."""

    dataset_id: int
    number: int
    fields: tuple[str, ...]
    filters: tuple[tuple[str, str, int | str], ...]
    sort: Sort
    limit: int
    max_bytes: int
    nulls: tuple[bool, ...] | None
    rows: Callable[[], QuerySet[Any]] = field(compare=False)
    query: RecordsQuery = field(compare=False)


@dataclass(frozen=True, slots=True)
class StatementTemplate:
    """SQL, and for each of its parameters the place of its value in the request."""

    sql: str
    places: tuple[int, ...]


def cached_page_statement(
    version: tuple[int, int],
    rows: Callable[[], QuerySet[Any]],
    query: RecordsQuery,
    position: Position | None,
    *,
    max_bytes: int,
) -> Statement:
    """The statement of a page of this version (dataset and number), the ORM asked only for a new shape."""
    shape = PageShape(
        *version,
        fields=tuple(item.name for item in query.fields),
        filters=tuple(
            (item.field.name, item.lookup.name, item.values[0] if item.lookup.flag else len(item.values))
            for item in query.filters
        ),
        sort=query.sort,
        limit=query.limit,
        max_bytes=max_bytes,
        nulls=None if position is None else tuple(value is None for value in position),
        rows=rows,
        query=query,
    )
    template = _template(shape)
    values = [text for item in query.filters if not item.lookup.flag for text in item.values]
    values += [text for text in position or () if text is not None]
    return Statement(template.sql, tuple(values[place] for place in template.places))


@lru_cache(maxsize=1024)
def _template(shape: PageShape) -> StatementTemplate:
    # No value holds U+0000, so a mark is never taken for one.
    free = (f"\x00{place}" for place in itertools.count())
    filters = tuple(
        item if item.lookup.flag else replace(item, values=tuple(next(free) for _ in item.values))
        for item in shape.query.filters
    )
    position: Sequence[str | None] | None = None
    if shape.nulls is not None:
        position = [None if null else next(free) for null in shape.nulls]
    statement = page_statement(shape.rows(), replace(shape.query, filters=filters), position, shape.max_bytes)
    return StatementTemplate(statement.sql, tuple(int(str(param)[1:]) for param in statement.params))
