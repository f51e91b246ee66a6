"""Builds SQL from a validated query: Django's ORM selects the rows, the outer statement encodes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q, QuerySet

from apps.api.access.visible_schema import column_kind
from apps.api.records.adapters.orm_expressions import RowComparison, cast_text
from apps.api.records.adapters.output_expressions import json_columns, key_array
from apps.api.records.adapters.sizes import max_width, null_unless_near, null_unless_within, size_sql
from apps.api.records.core.keyset import KeysetBranch, Position, branches_after
from apps.api.records.core.query import RecordFilter, RecordsQuery
from apps.datasets.core.contract.contract import BATCH, REV, Contract, ContractField
from apps.datasets.core.contract.identifiers import quote_identifier
from apps.datasets.runtime_models import attribute

TOTAL: Final = "coalesce(nullif(current_setting('anden.response_bytes', true), ''), '0')::bigint"
"""The size of the page so far, bytes. A transaction-local setting, so each statement starts at 0."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its parameters."""

    sql: str
    params: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class SelectList:
    """The SQL expressions selected from each row. The body is NULL if it would be too large."""

    body: str
    key: str
    position: str

    def __str__(self) -> str:
        return f"SELECT {self.body} AS body, {self.key} AS key, {self.position} AS position"


def apply_filters(rows: QuerySet[Any], query: RecordsQuery) -> QuerySet[Any]:
    """The rows that match the query's filters."""
    contract = query.schema.contract
    for item in query.filters:
        rows = rows.filter(_condition(contract, item))
    return rows


def page_statement(rows: QuerySet[Any], query: RecordsQuery, position: Position | None, max_bytes: int) -> Statement:
    """Selects body, key and position as text for each record after the position, one more than the limit.

    Generates at most about three times `max_bytes`, however large the rows are: from the record that would exceed the
    page's limit on, the body is NULL.
    """
    contract = query.schema.contract
    sort = [column.name for column in query.sort]
    names = dict.fromkeys([*(field.name for field in query.fields), *sort, *contract.primary_key])
    rows = apply_filters(rows, query).order_by(*order_by(query))
    branches = branches_after(query.sort, position) if position is not None else (KeysetBranch(),)
    parts = [
        select_columns(rows.filter(condition)[: query.limit + 1], contract, names)
        for condition in (_after_condition(contract, branch) for branch in branches)
    ]
    source = _merge_branches(parts, contract, query) if len(parts) > 1 else parts[0].sql
    params = tuple(param for part in parts for param in part.params)
    select_list = _select_list(contract, query.fields, sort, max_bytes)
    source_sql = f"FROM ({source}) AS t {_lateral_columns(contract, query.fields)}"
    widest = sum(max_width(column_kind(contract, name)) or max_bytes for name in names)
    if widest * 2 * (query.limit + 1) <= max_bytes:
        return Statement(f"{select_list} {source_sql}", params)
    return Statement(_bounded_page(select_list, source_sql, query, max_bytes), params)


def _bounded_page(select_list: SelectList, source_sql: str, query: RecordsQuery, max_bytes: int) -> str:
    """The page's SQL, which encodes rows one by one until their total size reaches `max_bytes`.

    Small rows are not counted: all of them together stay below the limit.
    """
    size = "octet_length(b.body) + 2 * octet_length(b.key) + octet_length(b.position)"
    with_row = f"({TOTAL} + coalesce({size}, {max_bytes + 1}))::text"
    return (
        f"SELECT CASE WHEN {size} <= {max_bytes // (query.limit + 1)} THEN b.body "
        f"WHEN set_config('anden.response_bytes', {with_row}, true)::bigint <= {max_bytes} THEN b.body END, "
        f"b.key, b.position {source_sql} LEFT JOIN LATERAL ({select_list} WHERE {TOTAL} <= {max_bytes} OFFSET 0) AS b "
        "ON true"
    )


def item_statement(
    rows: QuerySet[Any], contract: Contract, fields: Sequence[ContractField], key: Sequence[str], max_bytes: int
) -> Statement:
    """Selects the body, the key and, as position, the row version (for the ETag) of one record.

    The body is NULL if it would exceed `max_bytes`.
    """
    row_version = [name for name, _ in contract.system_columns if name in {REV, BATCH}]
    part = _select_one(rows, contract, key, [*(field.name for field in fields), *row_version])
    select_list = _select_list(contract, fields, row_version, max_bytes)
    return Statement(
        f"SELECT {null_unless_within('i.body', max_bytes)}, i.key, i.position FROM ({select_list} "  # noqa: S608
        f"FROM ({part.sql}) AS t {_lateral_columns(contract, fields)} OFFSET 0) AS i",
        part.params,
    )


def sizes_statement(
    rows: QuerySet[Any], contract: Contract, fields: Sequence[ContractField], key: Sequence[str], max_bytes: int
) -> Statement:
    """Selects one row: the size of each field of the record as JSON, bytes; an estimate if far above `max_bytes`."""
    part = _select_one(rows, contract, key, [field.name for field in fields])
    columns = ", ".join(size_sql(field.type, column_sql(contract, field.name), max_bytes) for field in fields)
    return Statement(f"SELECT {columns} FROM ({part.sql}) AS t", part.params)  # noqa: S608  names are quoted


def _select_one(rows: QuerySet[Any], contract: Contract, key: Sequence[str], names: Iterable[str]) -> Statement:
    for name, text in zip(contract.primary_key, key, strict=True):
        rows = rows.filter(**{attribute(contract, name): cast_text(text, column_kind(contract, name))})
    return select_columns(rows, contract, dict.fromkeys([*names, *contract.primary_key]))


def select_columns(rows: QuerySet[Any], contract: Contract, names: Iterable[str]) -> Statement:
    """Selects these columns of the rows."""
    wanted = rows.values_list(*(attribute(contract, name) for name in names))
    sql, params = wanted.query.get_compiler(using=rows.db).as_sql()
    return Statement(sql, tuple(params))


def _merge_branches(parts: Sequence[Statement], contract: Contract, query: RecordsQuery) -> str:
    """The first rows of all branches. Each branch is sorted and limited by its own index range."""
    columns = (
        f"{quote_identifier(attribute(contract, column.name))}{' DESC' if column.descending else ''}"
        for column in query.sort
    )
    union = " UNION ALL ".join(f"({part.sql})" for part in parts)
    return f"SELECT * FROM ({union}) AS u ORDER BY {', '.join(columns)} LIMIT {query.limit + 1}"  # noqa: S608


def _select_list(
    contract: Contract, fields: Sequence[ContractField], positions: Sequence[str], max_bytes: int
) -> SelectList:
    columns = [(field.name, field.type, column_sql(contract, field.name)) for field in fields]
    body = null_unless_near(columns, "row_to_json(r)::text", max_bytes) if fields else "'{}'"
    return SelectList(body, _text_array(contract, contract.primary_key), _text_array(contract, positions))


def _lateral_columns(contract: Contract, fields: Sequence[ContractField]) -> str:
    if not fields:
        return ""
    columns = json_columns([(field.name, field.type, column_sql(contract, field.name)) for field in fields])
    return f"CROSS JOIN LATERAL (SELECT {columns}) AS r"


def _text_array(contract: Contract, names: Sequence[str]) -> str:
    return key_array([(column_kind(contract, name), column_sql(contract, name)) for name in names])


def column_sql(contract: Contract, name: str) -> str:
    """The SQL of a column of the selected rows, aliased `t`."""
    return f"t.{quote_identifier(attribute(contract, name))}"


def order_by(query: RecordsQuery) -> list[str]:
    """The query's sort as arguments of `QuerySet.order_by`."""
    # PostgreSQL's default NULL order, as in the indexes: last ascending, first descending.
    contract = query.schema.contract
    return [f"{'-' if column.descending else ''}{attribute(contract, column.name)}" for column in query.sort]


def _condition(contract: Contract, item: RecordFilter) -> Q:
    name = attribute(contract, item.field.name)
    values = [cast_text(text, item.field.type) for text in item.values]
    if item.lookup.flag:
        return Q(**{f"{name}__{item.lookup.orm}": item.values[0] == "true"})
    condition = Q(**{f"{name}__{item.lookup.orm}": values if item.lookup.many else values[0]})
    return ~condition if item.lookup.inverted else condition


def _after_condition(contract: Contract, branch: KeysetBranch) -> Q:
    condition = Q()
    for name, text in branch.fixed:
        value = {"isnull": True} if text is None else {"exact": cast_text(text, column_kind(contract, name))}
        condition &= Q(**{f"{attribute(contract, name)}__{word}": item for word, item in value.items()})
    if branch.null is not None:
        name, is_null = branch.null
        condition &= Q(**{f"{attribute(contract, name)}__isnull": is_null})
    if branch.after:
        names = [attribute(contract, name) for name, _ in branch.after]
        values = [cast_text(text, column_kind(contract, name)) for name, text in branch.after]
        condition &= Q(RowComparison(names, values, descending=branch.descending))
    return condition
