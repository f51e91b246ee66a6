"""Queries the ledger, the positions and the quarantine for many datasets, with one statement each.

No statement counts a dataset's rows or reads more of the ledger than its window: it uses the index on
(dataset, committed at), and only the partitions of the window's days.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

MAX_COUNTED_REJECTS: Final = 1_000
"""A dataset's open rejects are counted up to this many."""
FRESH_DAYS: Final = 7
"""Older batches are not searched for; the position's own time is used."""

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
# A position that no worker has moved only has its creation time, which is no measure of freshness.
_POSITIONS: Final = """
SELECT s.dataset_id, count(*), count(a.pid), count(*) FILTER (WHERE s.last_error <> ''),
       coalesce(max(s.last_error), ''),
       extract(epoch FROM now() - max(s.updated_at) FILTER (WHERE s.next_offset > 0))::float8,
       sum(greatest(s.end_offset - s.next_offset, 0))
           FILTER (WHERE s.end_at > now() - make_interval(secs => %(max_lag_age)s))::bigint
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
# An estimate from the statistics, or from the last ANALYZE if they were lost: no rows are counted.
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
    """A dataset's sources in total: how many there are, have a live worker, and are stopped.

    `lag_records` is their distance to the topic's end; None without a recent measurement.
    """

    sources: int = 0
    assigned: int = 0
    stopped: int = 0
    error: str = ""
    moved_s: float | None = None
    lag_records: int | None = None


@dataclass(frozen=True, slots=True)
class LastBatch:
    """Seconds since the last batch was committed, and its newest event."""

    age_s: float
    newest_event: datetime.datetime | None


@dataclass(frozen=True, slots=True)
class BatchSeries:
    """Rows and rejects per step of a window, oldest first."""

    rows: tuple[int, ...]
    rejects: tuple[int, ...]


def batch_series(ids: Sequence[int], *, step_s: int, steps: int) -> dict[int, BatchSeries]:
    """Rows and rejects committed in the last `steps` × `step_s` seconds, by dataset id; zeros included."""
    found: dict[int, tuple[list[int], list[int]]] = {id_: ([0] * steps, [0] * steps) for id_ in ids}
    for dataset_id, age, rows, rejects in _fetch(_SERIES, ids, step=step_s, window=step_s * steps):
        index = steps - 1 - min(max(age, 0), steps - 1)
        found[dataset_id][0][index] += rows
        found[dataset_id][1][index] += rejects
    return {id_: BatchSeries(tuple(rows), tuple(rejects)) for id_, (rows, rejects) in found.items()}


def last_batches(ids: Sequence[int]) -> dict[int, LastBatch]:
    """The last batch by dataset id, for datasets with one in the last FRESH_DAYS days."""
    return {id_: LastBatch(age, newest) for id_, age, newest in _fetch(_LAST_BATCHES, ids, days=FRESH_DAYS)}


def source_summaries(ids: Sequence[int], *, max_lag_age_s: float) -> dict[int, SourceSummary]:
    """The source totals by dataset id; end offsets measured longer than `max_lag_age_s` ago are ignored."""
    return {row[0]: SourceSummary(*row[1:]) for row in _fetch(_POSITIONS, ids, max_lag_age=max_lag_age_s)}


def open_rejects(ids: Sequence[int]) -> dict[int, int]:
    """Open quarantined records by dataset id, counted up to MAX_COUNTED_REJECTS + 1."""
    return dict(_fetch(_OPEN_REJECTS, ids, most=MAX_COUNTED_REJECTS + 1))


def estimated_rows(ids: Sequence[int]) -> dict[int, int]:
    """Stored rows by dataset id, estimated from PostgreSQL's statistics."""
    return dict(_fetch(_ROWS_ABOUT, ids))


def _fetch(statement: str, ids: Sequence[int], **values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(ids), **values})
        return list(cursor.fetchall())
