"""Caches the SQL of pages: requests of the same shape differ only in their parameter values."""

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
    """A page request without its values: the cache key. `rows` and `query` build the statement on a cache miss."""

    dataset_id: int
    version: int
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
    """SQL, and for each parameter the index of its value in the request."""

    sql: str
    value_indexes: tuple[int, ...]


def cached_page_statement(
    version: tuple[int, int],
    rows: Callable[[], QuerySet[Any]],
    query: RecordsQuery,
    position: Position | None,
    *,
    max_bytes: int,
) -> Statement:
    """The statement for a page. `version` is the dataset's id and contract version. Compiles each shape only once."""
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
    return Statement(template.sql, tuple(values[index] for index in template.value_indexes))


@lru_cache(maxsize=1024)
def _template(shape: PageShape) -> StatementTemplate:
    # Values never contain U+0000, so a placeholder cannot collide with one.
    placeholders = (f"\x00{index}" for index in itertools.count())
    filters = tuple(
        item if item.lookup.flag else replace(item, values=tuple(next(placeholders) for _ in item.values))
        for item in shape.query.filters
    )
    position: Sequence[str | None] | None = None
    if shape.nulls is not None:
        position = [None if null else next(placeholders) for null in shape.nulls]
    statement = page_statement(shape.rows(), replace(shape.query, filters=filters), position, shape.max_bytes)
    return StatementTemplate(statement.sql, tuple(int(str(param)[1:]) for param in statement.params))
