"""Monthly partitions, created through a function of the owner."""

import datetime
from typing import Any

from psycopg import Connection


def ensure_months(connection: Connection[Any], dataset_id: int, first: datetime.date, last: datetime.date) -> int:
    """Create the months from first to last, both inclusive, within the contract's bounds; return their number.

    Runs in a separate transaction, so that no batch waits for another's.
    """
    with connection.transaction():
        row = connection.execute("SELECT public.anden_ensure_months(%s, %s, %s)", (dataset_id, first, last)).fetchone()
    return int(row[0]) if row else 0
