"""What the ledger, the positions and the quarantine say about many datasets at once: one statement each.

No statement counts rows of a dataset or reads more of the ledger than its window: the index on
(dataset, committed at) gives the window, and only the days it touches are opened.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

MAX_COUNTED_REJECTS: Final = 1_000
"""Open rejects of a dataset are counted up to here."""
FRESH_DAYS: Final = 7
"""A batch older than this is not looked for; the position's own time stands in."""

_SERIES: Final = """
SELECT d.id, b.age, b.rows, b.rejects FROM public.datasets_dataset d
CROSS JOIN LATERAL (
    SELECT floor(extract(epoch FROM now() - committed_at) / %(step)s)::integer AS age,
           sum(rows)::bigint AS rows, sum(rejects)::bigint AS rejects
    FROM public.datasets_batch
    WHERE dataset_id = d.id AND committed_at > now() - make_interval(secs => %(window)s)
      AND day >= ((now() - make_interval(secs => %(window)s)) AT TIME ZONE 'UTC')::date
    GROUP BY 1
) b WHERE d.id = ANY(%(ids)s)
"""
_LAST_BATCHES: Final = """
SELECT d.id, extract(epoch FROM now() - b.committed_at)::float8, b.max_event_time
FROM public.datasets_dataset d CROSS JOIN LATERAL (
    SELECT committed_at, max_event_time FROM public.datasets_batch
    WHERE dataset_id = d.id AND day >= (now() AT TIME ZONE 'UTC')::date - %(days)s
    ORDER BY committed_at DESC LIMIT 1
) b WHERE d.id = ANY(%(ids)s)
"""
# Positions that no worker ever moved have the time of their making, which says nothing about freshness.
_POSITIONS: Final = """
SELECT s.dataset_id, count(*), count(a.pid), count(*) FILTER (WHERE s.last_error <> ''),
       coalesce(max(s.last_error), ''),
       extract(epoch FROM now() - max(s.updated_at) FILTER (WHERE s.next_offset > 0))::float8,
       sum(greatest(s.end_offset - s.next_offset, 0))
           FILTER (WHERE s.end_at > now() - make_interval(secs => %(heard)s))::bigint
FROM public.ingest_source s LEFT JOIN pg_stat_activity a ON s.owner <> '' AND a.pid = s.backend_pid
WHERE s.dataset_id = ANY(%(ids)s) GROUP BY s.dataset_id
"""
_OPEN_REJECTS: Final = """
SELECT d.id, q.count FROM public.datasets_dataset d CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT FROM public.ingest_quarantine WHERE dataset_id = d.id AND state = 'open' LIMIT %(most)s
    ) counted
) q WHERE d.id = ANY(%(ids)s)
"""
# The statistics' own figure, or the last analyze's where the statistics were lost: nothing is counted.
_ROWS_ABOUT: Final = """
SELECT d.id, sum(greatest(leaf.reltuples, pg_stat_get_live_tuples(leaf.oid), 0))::bigint
FROM public.datasets_dataset d
JOIN pg_class c ON c.relname = d.name AND c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'data')
LEFT JOIN pg_inherits i ON i.inhparent = c.oid
JOIN pg_class leaf ON leaf.oid = coalesce(i.inhrelid, c.oid)
WHERE d.id = ANY(%(ids)s) GROUP BY d.id
"""


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """A dataset's sources together: how many, how many a living session owns, how many are stopped.

    `lag_records` is how far they are behind the ends of their topic, None where nobody measured them lately.
    """

    sources: int = 0
    assigned: int = 0
    stopped: int = 0
    trouble: str = ""
    moved_s: float | None = None
    lag_records: int | None = None


@dataclass(frozen=True, slots=True)
class LastBatch:
    """Seconds since the last batch was committed, and the newest event in it."""

    age_s: float
    newest_event: datetime.datetime | None


@dataclass(frozen=True, slots=True)
class BatchSeries:
    """Rows and rejects of a window cut into equal steps, oldest first."""

    rows: tuple[int, ...]
    rejects: tuple[int, ...]


def batch_series(ids: Sequence[int], *, step_s: int, steps: int) -> dict[int, BatchSeries]:
    """What was committed in the last `steps` × `step_s` seconds, by dataset; zeros where nothing was."""
    found: dict[int, tuple[list[int], list[int]]] = {id_: ([0] * steps, [0] * steps) for id_ in ids}
    for dataset_id, age, rows, rejects in _fetch(_SERIES, ids, step=step_s, window=step_s * steps):
        place = steps - 1 - min(max(age, 0), steps - 1)
        found[dataset_id][0][place] += rows
        found[dataset_id][1][place] += rejects
    return {id_: BatchSeries(tuple(rows), tuple(rejects)) for id_, (rows, rejects) in found.items()}


def last_batches(ids: Sequence[int]) -> dict[int, LastBatch]:
    """The last batch of each dataset that had one in the last days."""
    return {id_: LastBatch(age, newest) for id_, age, newest in _fetch(_LAST_BATCHES, ids, days=FRESH_DAYS)}


def source_summaries(ids: Sequence[int], *, heard_s: float) -> dict[int, SourceSummary]:
    """The sources of each dataset that has any; ends of topics measured longer than `heard_s` ago tell nothing."""
    return {row[0]: SourceSummary(*row[1:]) for row in _fetch(_POSITIONS, ids, heard=heard_s)}


def open_rejects(ids: Sequence[int]) -> dict[int, int]:
    """Open records of the quarantine by dataset, counted up to MAX_COUNTED_REJECTS + 1."""
    return dict(_fetch(_OPEN_REJECTS, ids, most=MAX_COUNTED_REJECTS + 1))


def estimated_rows(ids: Sequence[int]) -> dict[int, int]:
    """Rows stored by dataset, as PostgreSQL's statistics have it."""
    return dict(_fetch(_ROWS_ABOUT, ids))


def _fetch(statement: str, ids: Sequence[int], **values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(ids), **values})
        return list(cursor.fetchall())
