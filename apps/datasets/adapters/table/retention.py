"""Removal of what has expired, through functions of the owner."""

from collections.abc import Callable
from typing import Any, Final

from psycopg import Connection

PURGE_BATCH_ROWS: Final = 10_000
"""Tombstones per transaction: few enough that no writer waits long for their locks."""


def drop_ledger_days(connection: Connection[Any], *, keep_days: int) -> int:
    """Drop the ledger partitions older than that many days; return their number."""
    with connection.transaction():
        row = connection.execute("SELECT public.anden_drop_ledger_days(%s)", (keep_days,)).fetchone()
    return int(row[0]) if row else 0


def purge_tombstones(
    connection: Connection[Any],
    dataset_id: int,
    *,
    older_days: int,
    batch_rows: int = PURGE_BATCH_ROWS,
    deleted: Callable[[int], None] = lambda _rows: None,
) -> int:
    """Delete an upsert dataset's tombstones older than that many days, in batches; return the number of rows.

    Calls `deleted` with the rows of each committed batch; an exception from it ends the purge.
    """
    purged, last = 0, batch_rows
    while last == batch_rows:
        with connection.transaction():
            row = connection.execute(
                "SELECT public.anden_purge_tombstones(%s, %s, %s)", (dataset_id, older_days, batch_rows)
            ).fetchone()
        last = int(row[0]) if row else 0
        purged += last
        deleted(last)
    return purged
