"""Statements of the ledger: ids in advance, one row per source at the end of a batch's transaction."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg import Connection, Cursor

LEDGER_DAYS_AHEAD: Final = 7
"""Days for which ledger partitions are created in advance."""


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """What one transaction took from one source; both offsets inclusive, bytes of the values, times in UTC."""

    id: int
    dataset_id: int
    version: int
    source_id: int
    first_offset: int
    last_offset: int
    rows: int
    rejects: int
    bytes: int
    min_event_time: datetime.datetime | None
    max_event_time: datetime.datetime | None
    worker: str


COLUMNS: Final = {
    "id": "bigint",
    "dataset_id": "bigint",
    "version": "integer",
    "source_id": "integer",
    "first_offset": "bigint",
    "last_offset": "bigint",
    "rows": "integer",
    "rejects": "integer",
    "bytes": "bigint",
    "min_event_time": "timestamptz",
    "max_event_time": "timestamptz",
    "worker": "text",
}
INSERT: Final = (
    f"INSERT INTO public.datasets_batch ({', '.join(COLUMNS)}) "  # noqa: S608
    f"SELECT * FROM unnest({', '.join(f'%s::{kind}[]' for kind in COLUMNS.values())})"
)


def next_batch_ids(cursor: Cursor[Any], count: int) -> list[int]:
    """That many new ledger ids, ascending."""
    cursor.execute("SELECT nextval('public.datasets_batch_id_seq') FROM generate_series(1, %s)", (count,))
    return [row[0] for row in cursor.fetchall()]


def insert_batches(cursor: Cursor[Any], entries: Sequence[BatchEntry]) -> None:
    """Insert the entries; the server sets day, transaction id and time.

    Raises psycopg.errors.CheckViolation without a constraint name: the day has no partition yet.
    """
    if entries:
        cursor.execute(INSERT, [[getattr(entry, name) for entry in entries] for name in COLUMNS])


def ensure_ledger_days(connection: Connection[Any]) -> int:
    """Create the ledger partitions from yesterday to a week ahead, in a separate transaction; return their number."""
    with connection.transaction():
        row = connection.execute("SELECT public.anden_ensure_ledger_days(%s)", (LEDGER_DAYS_AHEAD,)).fetchone()
    return int(row[0]) if row else 0


FIRST_MISSING_DAY: Final = """
SELECT min(day)::timestamp AT TIME ZONE 'UTC'
FROM generate_series((now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC')::date + 32, interval '1 day') day
WHERE NOT EXISTS (
    SELECT FROM pg_inherits JOIN pg_class part ON part.oid = inhrelid
    WHERE inhparent = 'public.datasets_batch'::regclass AND part.relname = 'ledger_' || to_char(day, 'YYYY_MM_DD')
)
"""


def ledger_partitions_end(connection: Connection[Any]) -> datetime.datetime:
    """Start of the first day without a ledger partition, from today on: a gap counts as the end."""
    row = connection.execute(FIRST_MISSING_DAY).fetchone()
    assert row  # noqa: S101  an aggregate answers with one row
    until: datetime.datetime = row[0]
    return until
