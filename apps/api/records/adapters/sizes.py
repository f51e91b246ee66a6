"""SQL that estimates the text size of a row before PostgreSQL generates it, to bound the size of responses.

jsonb and numeric store 1e131000 in ten bytes and output 131,001 digits, and nothing can interrupt that output.
Inspecting every number of a document costs more than writing it, so small documents are not inspected: their output is
tolerable, and is measured afterwards.
"""

from collections.abc import Sequence
from typing import Final

from apps.api.records.adapters.output_expressions import json_expression
from apps.datasets.core.column_types.number_length import DIGITS_SQL
from apps.datasets.core.column_types.types import ColumnType

INSPECTED_BYTES: Final = 8 * 1024
"""Stored bytes above which a row's documents are searched for long numbers; smaller ones yield up to 64 MiB."""
LONG_FRACTIONS: Final = 64 * 1024
"""The same for numbers with thousands of decimals, which expand an eighth as much."""
CELL_BYTES: Final = 64 * 1024 * 1024
"""Maximum text of one value in an export. No record that yields more can be stored."""

ROW_BYTES: Final = 4 * CELL_BYTES
"""The same for all expanding values of a row. PostgreSQL fails at 1 GiB."""

OVERSIZED: Final = "anden: too large for an export: "
"""Precedes the field's name in the error of an export's statement."""

STORAGE: Final = 8
"""Upper bound of the ratio of stored size to text size, which exceeds 1 for small numbers."""
SHORTEST: Final = 5
"""Bytes of the shortest number in an array."""
STORED_APART: Final = "pg_column_size({0}) > 2000 OR pg_column_compression({0}) IS NOT NULL"
"""Whether an array may be larger than its few bytes in the row (TOASTed or compressed)."""

LONG: Final = "@ > 1e100 || @ < -1e100"
# x - x keeps the number of decimals, and dividing by 3 fills them.
LONG_FRACTION: Final = f"((@ - @) + 1) / 3 > 0.{'3' * 100}"

STORED_SIZE: Final = "pg_column_size({0} #> '{{}}')"
"""The uncompressed stored size of a document, bytes; the empty path returns all of it."""
# jsonb_path_query takes quadratic time: each row removes the head of a list.
NUMBERS: Final = (
    f"(SELECT sum({DIGITS_SQL.format('number')}) "  # noqa: S608  no value is in it
    "FROM jsonb_array_elements(jsonb_path_query_array({0}, 'strict $.** ? (@.type() == \"number\")')) AS item, "
    "LATERAL (SELECT item::numeric AS number OFFSET 0) AS one)"
)
HAS_LONG: Final = f"jsonb_path_exists({{0}}, 'strict $.** ? ({LONG})')"
HAS_LONG_FRACTION: Final = f"jsonb_path_exists({{0}}, 'strict $.** ? ({LONG_FRACTION})')"
GROWS: Final = f"({HAS_LONG} OR {HAS_LONG_FRACTION})"


def max_width(kind: ColumnType) -> int | None:
    """The maximum length of a value of the type as JSON; None if it depends on the value."""
    return None if kind.array else kind.spec.width(kind.args)


def estimated_size(columns: Sequence[tuple[str, ColumnType, str]]) -> str:
    """SQL that estimates a row's size as JSON, from the name, type and SQL of each column."""
    fixed, parts, documents = 2, [], []
    for name, kind, column in columns:
        fixed += len(name) + 4 + (max_width(kind) or 0)
        if kind.spec.document:
            documents.append(column)
        elif (size := _size(kind, column)) is not None:
            parts.append(f"coalesce({size}, 4)::bigint")
    return " + ".join([f"{fixed}::bigint", *parts, *([_documents(documents)] if documents else [])])


def null_unless_near(columns: Sequence[tuple[str, ColumnType, str]], body: str, max_bytes: int) -> str:
    """SQL for the body, or NULL if the estimate for the columns is far above `max_bytes`."""
    if all(max_width(kind) is not None for _, kind, _ in columns):
        return body
    return f"CASE WHEN {estimated_size(columns)} <= {max_bytes * STORAGE} THEN {body} END"


def null_unless_within(column: str, max_bytes: int) -> str:
    """SQL for the text column, or NULL if it is larger than `max_bytes`."""
    return f"CASE WHEN octet_length({column}) <= {max_bytes} THEN {column} END"


def size_sql(kind: ColumnType, column: str, max_bytes: int) -> str:
    """SQL for the column's size as JSON, bytes: exact, or an estimate if far above `max_bytes`."""
    # A separate subquery frees the text before the next column's is generated.
    exact = f"(SELECT octet_length(to_json({json_expression(kind, column)})::text) OFFSET 0)"
    size = _size(kind, column)
    if size is None:
        return f"coalesce({exact}, 4)"
    return f"coalesce(CASE WHEN {size} <= {max_bytes * STORAGE} THEN {exact} ELSE {size} END, 4)"


def may_expand(kind: ColumnType) -> bool:
    """Whether a value of the type may expand to far more text than its stored size suggests."""
    return kind.spec.grows and (kind.spec.document or kind.array)


def exceeds_export_limit(kind: ColumnType, column: str, columns: int) -> str:
    """SQL that tests whether a value that may expand exceeds the limit of an export.

    `columns` is how many columns of the row may expand. With many, a value must also far exceed its stored size.
    """
    max_bytes = min(CELL_BYTES, ROW_BYTES // columns)
    if kind.spec.document:
        inspected_bytes = INSPECTED_BYTES * max_bytes // CELL_BYTES
        fractions = f"{STORED_SIZE} > {inspected_bytes * LONG_FRACTIONS // INSPECTED_BYTES} AND {HAS_LONG_FRACTION}"
        size = _document(f"({STORED_SIZE} > {inspected_bytes} AND ({HAS_LONG} OR {fractions}))", column)
        stored = STORED_SIZE.format(column)
    else:
        size, stored = _array_size(kind, column), f"{SHORTEST} * cardinality({column})"
    far = f" AND {size} > {STORAGE}::bigint * {stored}" if max_bytes < CELL_BYTES else ""
    return f"{size} > {max_bytes}{far}"


def _documents(columns: Sequence[str]) -> str:
    """SQL for the size of a row's documents. Their total stored size decides whether they are inspected."""
    stored = " + ".join(f"coalesce({STORED_SIZE.format(column)}, 4)::bigint" for column in columns)
    long = " + ".join(f"coalesce({_document(HAS_LONG, column)}, 4)::bigint" for column in columns)
    grown = " + ".join(f"coalesce({_document(GROWS, column)}, 4)::bigint" for column in columns)
    return (
        f"CASE WHEN {stored} <= {INSPECTED_BYTES} THEN {stored} "
        f"WHEN {stored} <= {LONG_FRACTIONS} THEN {long} ELSE {grown} END"
    )


def _document(grows: str, column: str) -> str:
    """SQL for a document's size; adds the digits of its numbers if the condition `grows` holds."""
    return f"CASE WHEN {grows} THEN {STORED_SIZE} + {NUMBERS} ELSE {STORED_SIZE} END".format(column)


def _size(kind: ColumnType, column: str) -> str | None:
    """SQL for a value's size; None if its type determines it."""
    if kind.array:
        return _array_size(kind, column)
    if max_width(kind) is not None:
        return None
    if kind.spec.document:
        return _document(GROWS, column)
    return kind.spec.size_sql.format(column)


def _array_size(kind: ColumnType, column: str) -> str:
    if kind.spec.grows:
        size = kind.spec.size_sql.format("number")
        return f"(SELECT sum({size} + 1) FROM unnest({column}) AS number)"  # noqa: S608  names are quoted
    longest = kind.spec.width(kind.args)
    if longest is None:
        items = f"octet_length(array_to_string({column}, '')) + 5::bigint * cardinality({column})"
    else:
        items = f"cardinality({column})::bigint * {longest}"
    return f"CASE WHEN {STORED_APART.format(column)} THEN {items} ELSE pg_column_size({column}) END"
