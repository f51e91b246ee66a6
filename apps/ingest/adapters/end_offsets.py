"""Store end offsets next to positions, so that lag can be computed from the database alone."""

from collections.abc import Sequence
from typing import Any, Final

# Rows that a worker has locked are skipped until the next measurement: waiting for several rows could deadlock with
# the worker, and PostgreSQL might cancel the worker's batch.
_NOTE: Final = """
WITH free AS (
    SELECT s.id, new.end_offset FROM public.ingest_source s
    JOIN unnest(%s::integer[], %s::bigint[]) AS new (id, end_offset) ON s.id = new.id
    FOR NO KEY UPDATE OF s SKIP LOCKED
)
UPDATE public.ingest_source s SET end_offset = free.end_offset, end_at = clock_timestamp()
FROM free WHERE s.id = free.id
"""


def store_end_offsets(cursor: Any, ends: Sequence[tuple[int, int]]) -> int:
    """Store the end offset of each source's partition, (source id, end); return the number of updated rows."""
    cursor.execute(_NOTE, ([source_id for source_id, _ in ends], [end for _, end in ends]))
    return int(cursor.rowcount)
