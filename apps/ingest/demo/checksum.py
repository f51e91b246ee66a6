"""Compare a dataset's table with its CSV file: the row count, and a checksum over every column.

The checksum is the sum of each row's hash, so row order does not matter but duplicates do. Both sides format a row in
the same way: its values as text, NA for NULL, joined by the unit separator.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from apps.ingest.demo.nycflights import NULL, TableRecords

SEPARATOR: Final = "\x1f"
HASHED_BYTES: Final = 8

ROW: Final = sql.SQL("concat_ws(chr(31), {})")
COLUMN: Final = sql.SQL("coalesce({}::text, 'NA')")
TIME: Final = sql.SQL("""coalesce(to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'NA')""")
TOTAL: Final = sql.SQL(
    "SELECT count(*), coalesce(sum(('x' || left(md5({row}), 16))::bit(64)::bigint::numeric), 0) FROM {table} "
    "WHERE {alive}"
)


@dataclass(frozen=True, slots=True)
class Checksum:
    """The number of rows and the sum of their hashes."""

    rows: int
    total: int

    def __str__(self) -> str:
        return f"{self.rows:,} rows, checksum {self.total % 2**64:016x}"


def checksum_of_csv(records: TableRecords) -> Checksum:
    """The checksum of the file."""
    total = 0
    for row in records:
        text = SEPARATOR.join(_as_postgresql(value) for value in records.values(row))
        digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
        total += int.from_bytes(digest[:HASHED_BYTES], "big", signed=True)
    return Checksum(len(records), total)


def checksum_of_table(
    connection: psycopg.Connection[Any], dataset: str, columns: Sequence[str], *, upsert: bool
) -> Checksum:
    """The checksum of the rows in the schema data; deleted rows of an upsert dataset do not count."""
    parts = [(TIME if name == "time_hour" else COLUMN).format(sql.Identifier(name)) for name in columns]
    query = TOTAL.format(
        row=ROW.format(sql.SQL(", ").join(parts)),
        table=sql.Identifier("data", dataset),
        alive=sql.SQL("NOT _deleted" if upsert else "true"),
    )
    found = connection.execute(query).fetchone()
    assert found is not None  # noqa: S101 - an aggregate always answers one row
    return Checksum(found[0], int(found[1]))


def _as_postgresql(value: str | float | None) -> str:
    """The value as PostgreSQL prints it: an integral double has no decimal point."""
    if value is None:
        return NULL
    return str(value).removesuffix(".0") if isinstance(value, float) else str(value)
