"""How much text a row makes, told in SQL before PostgreSQL writes it: what it takes to keep an answer's bytes bounded.

jsonb and numeric keep 1e131000 in ten bytes and write it as 131,001 digits, and nothing interrupts the writing of one
value. To look at every number of a document costs more than to write it, so small documents are not looked into: all
that they can make is bearable, and is counted once it is written.
"""

from collections.abc import Sequence
from typing import Final

from apps.api.records.adapters.output_expressions import json_expression
from apps.datasets.core.column_types.number_length import DIGITS_SQL
from apps.datasets.core.column_types.types import ColumnType

LOOKED_INTO: Final = 8 * 1024
"""Bytes in storage above which a row's documents are searched for long numbers; below, they make 64 MiB of text."""
LONG_FRACTIONS: Final = 64 * 1024
"""The same for numbers with thousands of decimals, which grow an eighth as much."""
CELL_BYTES: Final = 64 * 1024 * 1024
"""Largest text of one value that an export carries: no record is taken in that makes more."""

ROW_BYTES: Final = 4 * CELL_BYTES
"""The same of all values of a row that may grow; PostgreSQL itself gives up at a gigabyte."""

OVERSIZED: Final = "anden: too large for an export: "
"""What the error of an export's statement says in front of the field's name."""

STORAGE: Final = 8
"""A document takes more in storage than as text where it is made of small numbers: never as many times as this."""
SHORTEST: Final = 5
"""Bytes of the shortest number in an array."""
STORED_APART: Final = "pg_column_size({0}) > 2000 OR pg_column_compression({0}) IS NOT NULL"
"""Whether an array may hold more than the few bytes that it has in its row."""

LONG: Final = "@ > 1e100 || @ < -1e100"
# Arithmetic on zero, which keeps the number's decimals, and a third, which has as many.
LONG_FRACTION: Final = f"((@ - @) + 1) / 3 > 0.{'3' * 100}"

RAW: Final = "pg_column_size({0} #> '{{}}')"
"""The bytes of a document in storage, not compressed: the empty path gives all of it."""
# jsonb_path_query would hand on a list from which each row takes the head off, in a time that grows with its square.
NUMBERS: Final = (
    f"(SELECT sum({DIGITS_SQL.format('number')}) "  # noqa: S608  no value is in it
    "FROM jsonb_array_elements(jsonb_path_query_array({0}, 'strict $.** ? (@.type() == \"number\")')) AS item, "
    "LATERAL (SELECT item::numeric AS number OFFSET 0) AS one)"
)
HAS_LONG: Final = f"jsonb_path_exists({{0}}, 'strict $.** ? ({LONG})')"
HAS_LONG_FRACTION: Final = f"jsonb_path_exists({{0}}, 'strict $.** ? ({LONG_FRACTION})')"
GROWS: Final = f"({HAS_LONG} OR {HAS_LONG_FRACTION})"


def width(kind: ColumnType) -> int | None:
    """The longest that a value of the type can be as JSON; None where only the value can tell."""
    return None if kind.array else kind.spec.width(kind.args)


def estimate(columns: Sequence[tuple[str, ColumnType, str]]) -> str:
    """About how many bytes of JSON a row makes, as SQL, from name, type and SQL of each column."""
    fixed, parts, documents = 2, [], []
    for name, kind, column in columns:
        fixed += len(name) + 4 + (width(kind) or 0)
        if kind.spec.document:
            documents.append(column)
        elif (size := _size(kind, column)) is not None:
            parts.append(f"coalesce({size}, 4)::bigint")
    return " + ".join([f"{fixed}::bigint", *parts, *([_documents(documents)] if documents else [])])


def null_unless_near(columns: Sequence[tuple[str, ColumnType, str]], body: str, max_bytes: int) -> str:
    """The body, as SQL, or NULL where to write the columns, each a name, type and SQL, is far beyond the bytes."""
    if all(width(kind) is not None for _, kind, _ in columns):
        return body
    return f"CASE WHEN {estimate(columns)} <= {max_bytes * STORAGE} THEN {body} END"


def null_unless_within(column: str, max_bytes: int) -> str:
    """The text in the column, as SQL, or NULL where it is larger than the bytes."""
    return f"CASE WHEN octet_length({column}) <= {max_bytes} THEN {column} END"


def size_sql(kind: ColumnType, column: str, max_bytes: int) -> str:
    """The bytes that the column makes as JSON, as SQL: exact, or about as many where they are far beyond the bytes."""
    # In a query of its own, the text is gone before the next column's is written.
    exact = f"(SELECT octet_length(to_json({json_expression(kind, column)})::text) OFFSET 0)"
    size = _size(kind, column)
    if size is None:
        return f"coalesce({exact}, 4)"
    return f"coalesce(CASE WHEN {size} <= {max_bytes * STORAGE} THEN {exact} ELSE {size} END, 4)"


def may_expand(kind: ColumnType) -> bool:
    """Whether a value of the type may make far more text than it is stored in, and its storage does not tell."""
    return kind.spec.grows and (kind.spec.document or kind.array)


def exceeds_export_limit(kind: ColumnType, column: str, columns: int) -> str:
    """Whether the value, of a type that `grows`, makes more text than an export carries, beside others of the row.

    `columns` of them grow. Where there are many, only what makes far more text than it is stored in is too large.
    """
    max_bytes = min(CELL_BYTES, ROW_BYTES // columns)
    if kind.spec.document:
        looked_into = LOOKED_INTO * max_bytes // CELL_BYTES
        fractions = f"{RAW} > {looked_into * LONG_FRACTIONS // LOOKED_INTO} AND {HAS_LONG_FRACTION}"
        size = _document(f"({RAW} > {looked_into} AND ({HAS_LONG} OR {fractions}))", column)
        stored = RAW.format(column)
    else:
        size, stored = _array_size(kind, column), f"{SHORTEST} * cardinality({column})"
    far = f" AND {size} > {STORAGE}::bigint * {stored}" if max_bytes < CELL_BYTES else ""
    return f"{size} > {max_bytes}{far}"


def _documents(columns: Sequence[str]) -> str:
    """The bytes of all documents of a row as SQL: how large they are together says whether they are looked into."""
    stored = " + ".join(f"coalesce({RAW.format(column)}, 4)::bigint" for column in columns)
    long = " + ".join(f"coalesce({_document(HAS_LONG, column)}, 4)::bigint" for column in columns)
    grown = " + ".join(f"coalesce({_document(GROWS, column)}, 4)::bigint" for column in columns)
    return (
        f"CASE WHEN {stored} <= {LOOKED_INTO} THEN {stored} "
        f"WHEN {stored} <= {LONG_FRACTIONS} THEN {long} ELSE {grown} END"
    )


def _document(grows: str, column: str) -> str:
    """The bytes of a document as SQL, its numbers written out where it is told that they grow."""
    return f"CASE WHEN {grows} THEN {RAW} + {NUMBERS} ELSE {RAW} END".format(column)


def _size(kind: ColumnType, column: str) -> str | None:
    """The bytes of a value as SQL; None where its type tells."""
    if kind.array:
        return _array_size(kind, column)
    if width(kind) is not None:
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
