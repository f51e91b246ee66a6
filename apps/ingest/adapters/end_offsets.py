"""Where topics end, written beside the positions, so that anybody who reads the database knows the lag."""

from collections.abc import Sequence
from typing import Any, Final

# A row that a worker holds at this moment is left for the next measurement: two updates of several rows that wait
# for one another in different order would be a deadlock, and the worker's batch might be the one to go.
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
    """Write where each source's partition ends, (source id, end), in one statement; how many rows were written."""
    cursor.execute(_NOTE, ([source_id for source_id, _ in ends], [end for _, end in ends]))
    return int(cursor.rowcount)
