"""The SQL of positions: claim, release, move, each fenced by the epoch."""

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from psycopg import Cursor

from apps.ingest.core.errors import Fenced, IngestError, RetriableStoreError, TopicRecreated
from apps.ingest.core.ports import SourceClaim
from apps.ingest.core.records import Attempt, OffsetAndEpoch, Position, SourceBatch, SourceKey
from apps.ingest.core.watermarks import watermark_ms, watermark_time

END_TIMEOUT_MS: Final = 1_000
"""How long to wait for a session to end; the worker's other datasets wait meanwhile, and the next claim asks again."""

_TERMINATE: Final = "SELECT pid, pg_terminate_backend(pid, %s) FROM unnest(%s::integer[]) AS backends (pid)"

# A source without topic id becomes the first partition's, now that the id is known.
_ADOPT: Final = """
UPDATE public.ingest_source s SET topic_id = new.topic_id, next_offset = new.next_offset
FROM unnest(%s::integer[], %s::text[], %s::text[], %s::integer[], %s::bigint[])
    AS new (dataset_id, topic, topic_id, partition, next_offset)
WHERE (s.dataset_id, s.topic, s.topic_id, s.partition) = (new.dataset_id, new.topic, '', new.partition)
"""
_INSERT: Final = """
INSERT INTO public.ingest_source (dataset_id, topic, topic_id, partition, next_offset)
SELECT * FROM unnest(%s::integer[], %s::text[], %s::text[], %s::integer[], %s::bigint[]) ON CONFLICT DO NOTHING
"""
# For each claim: the stored source, its previous owner's session if that still exists, and an id of the topic under
# which only other sources are stored.
_SELECT: Final = """
SELECT s.id, s.epoch, s.owner <> '', a.pid, (
    SELECT min(other.topic_id) FROM public.ingest_source other
    WHERE other.dataset_id = c.dataset_id AND other.topic = c.topic AND other.topic_id <> '' AND NOT EXISTS (
        SELECT FROM public.ingest_source same
        WHERE same.dataset_id = c.dataset_id AND same.topic = c.topic AND same.topic_id = c.topic_id
    )
)
FROM unnest(%s::integer[], %s::text[], %s::text[], %s::integer[]) WITH ORDINALITY
    AS c (dataset_id, topic, topic_id, partition, number)
LEFT JOIN public.ingest_source s
    ON (s.dataset_id, s.topic, s.topic_id, s.partition) = (c.dataset_id, c.topic, c.topic_id, c.partition)
LEFT JOIN pg_stat_activity a ON s.owner <> '' AND a.pid = s.backend_pid AND a.backend_start = s.backend_start
    AND a.pid <> pg_backend_pid()
ORDER BY c.number
"""
# Statements on several sources lock them in the order of their ids, so that they cannot deadlock.
_LOCK: Final = "SELECT FROM public.ingest_source WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
# Errors of earlier topic ids and earlier topics of the dataset no longer apply.
_CLEAR_FORMER: Final = """
UPDATE public.ingest_source s SET last_error = '' FROM (
    SELECT former.id FROM public.ingest_source former
    JOIN (SELECT DISTINCT * FROM unnest(%s::integer[], %s::text[], %s::text[])) AS c (dataset_id, topic, topic_id)
        ON former.dataset_id = c.dataset_id
    WHERE (former.topic, former.topic_id) <> (c.topic, c.topic_id) AND former.last_error <> ''
    ORDER BY former.id FOR NO KEY UPDATE OF former
) former WHERE s.id = former.id
"""
_TAKE_OVER: Final = """
UPDATE public.ingest_source s SET epoch = s.epoch + 1, owner = %s, last_error = '', backend_pid = pg_backend_pid(),
    backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
FROM unnest(%s::integer[], %s::bigint[]) AS c (id, epoch) WHERE s.id = c.id AND s.epoch = c.epoch
RETURNING s.id, s.epoch, s.next_offset, s.max_at, s.leader_epoch, s.attempt_offset, s.attempt_records, s.attempts
"""
_RELEASE: Final = """
UPDATE public.ingest_source s SET owner = '', backend_pid = NULL, backend_start = NULL
FROM unnest(%s::integer[], %s::bigint[]) AS mine (id, epoch) WHERE s.id = mine.id AND s.epoch = mine.epoch
"""
_MOVE: Final = """
UPDATE public.ingest_source s
SET next_offset = new.next_offset, leader_epoch = new.leader_epoch, max_at = new.max_at, updated_at = clock_timestamp()
FROM unnest(%s::integer[], %s::bigint[], %s::bigint[], %s::integer[], %s::timestamptz[])
    AS new (id, epoch, next_offset, leader_epoch, max_at)
WHERE s.id = new.id AND s.epoch = new.epoch RETURNING s.id
"""
# Keeps updated_at, because freshness is the age of the last batch.
_ADVANCE: Final = """
UPDATE public.ingest_source s SET next_offset = new.next_offset, leader_epoch = new.leader_epoch
FROM unnest(%s::integer[], %s::bigint[], %s::bigint[], %s::integer[]) AS new (id, epoch, next_offset, leader_epoch)
WHERE s.id = new.id AND s.epoch = new.epoch AND s.next_offset <= new.next_offset RETURNING s.id
"""
_SET_ERROR: Final = """
UPDATE public.ingest_source SET last_error = %s WHERE dataset_id = %s AND topic = %s AND partition = %s
"""
_SET_UNREADABLE: Final = """
UPDATE public.ingest_source s SET last_error = %s, owner = '', backend_pid = NULL, backend_start = NULL
WHERE dataset_id = %s AND (owner = '' OR backend_pid = pg_backend_pid() OR NOT EXISTS (
    SELECT FROM pg_stat_activity a WHERE (a.pid, a.backend_start) = (s.backend_pid, s.backend_start)
))
"""
_RECORD_ATTEMPTS: Final = """
UPDATE public.ingest_source s SET attempt_offset = new.at, attempt_records = new.records,
    attempts = CASE WHEN (attempt_offset, attempt_records) = (new.at, new.records) THEN attempts + 1 ELSE 1 END
FROM unnest(%s::integer[], %s::bigint[], %s::bigint[], %s::integer[]) AS new (id, epoch, at, records)
WHERE s.id = new.id AND s.epoch = new.epoch RETURNING s.id
"""
_SET_REFUSAL: Final = """
WITH present AS (
    UPDATE public.ingest_source SET last_error = %s WHERE dataset_id = %s AND topic = %s RETURNING topic_id
), made AS (
    INSERT INTO public.ingest_source (dataset_id, topic, topic_id, partition, next_offset, last_error)
    SELECT %s, %s, '', 0, 0, %s WHERE NOT EXISTS (SELECT FROM present) ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM present WHERE topic_id <> '')
"""


def claim_positions(cursor: Cursor[Any], claims: Sequence[SourceClaim], *, owner: str) -> list[Position | IngestError]:
    """The positions of the claimed sources, each under a new epoch, or why one cannot be claimed.

    That is TopicRecreated, Fenced, or RetriableStoreError: the previous owner's session did not end.
    """
    sources = _stored_sources(cursor, claims)
    ended = _end_sessions(cursor, {source.backend for source in sources if source.backend is not None})
    errors = [
        _claim_error(claim, source, ended=source.backend is None or source.backend in ended)
        for claim, source in zip(claims, sources, strict=True)
    ]
    wanted = [(claim, source) for claim, source, error in zip(claims, sources, errors, strict=True) if error is None]
    taken = _take_over(cursor, wanted, owner=owner)
    return [
        error or taken.get(source.id) or RetriableStoreError(f"another worker is claiming {claim.key.topic_partition}")
        for claim, source, error in zip(claims, sources, errors, strict=True)
    ]


class _StoredSource(NamedTuple):
    """A source as stored; `backend` is its owner's session if that still exists."""

    id: int
    epoch: int
    owned: bool
    backend: int | None
    other_topic_id: str | None


def _stored_sources(cursor: Cursor[Any], claims: Sequence[SourceClaim]) -> list[_StoredSource]:
    """The source of each claim; creates those that are missing."""
    columns = [
        [claim.key.dataset_id for claim in claims],
        [claim.key.topic for claim in claims],
        [claim.key.topic_id for claim in claims],
        [claim.key.partition for claim in claims],
    ]
    rows = cursor.execute(_SELECT, columns).fetchall()
    missing = [claim for claim, row in zip(claims, rows, strict=True) if row[0] is None and row[4] is None]
    if missing:
        made = [
            [claim.key.dataset_id for claim in missing],
            [claim.key.topic for claim in missing],
            [claim.key.topic_id for claim in missing],
            [claim.key.partition for claim in missing],
            [claim.first_offset for claim in missing],
        ]
        cursor.execute(_ADOPT, made)
        cursor.execute(_INSERT, made)
        rows = cursor.execute(_SELECT, columns).fetchall()
    return [_StoredSource(row[0] or 0, row[1] or 0, bool(row[2]), row[3], row[4]) for row in rows]


def _end_sessions(cursor: Cursor[Any], backends: Collection[int]) -> set[int]:
    """Terminate these sessions; return those that ended. A worker frozen inside COPY would hold its locks forever."""
    if not backends:
        return set()
    cursor.execute(_TERMINATE, (END_TIMEOUT_MS, sorted(backends)))
    return {pid for pid, ended in cursor.fetchall() if ended}


def _claim_error(claim: SourceClaim, source: _StoredSource, *, ended: bool) -> IngestError | None:
    key = claim.key
    if source.other_topic_id is not None:
        return TopicRecreated(
            f"the topic {key.topic} was deleted and created again (its id was {source.other_topic_id}, now it is "
            f"{key.topic_id}), so the stored offsets are meaningless; to start over: `manage.py topics accept` with "
            f"the dataset"
        )
    if claim.known_epoch is not None and source.epoch != claim.known_epoch:
        return Fenced(
            f"{key.topic_partition} is read by another worker: epoch {source.epoch}, not {claim.known_epoch}"
        )
    if not ended:
        return RetriableStoreError(f"the session of the previous owner of {key.topic_partition} did not end")
    return None


def _take_over(
    cursor: Cursor[Any], wanted: Sequence[tuple[SourceClaim, _StoredSource]], *, owner: str
) -> dict[int, Position]:
    """Own these sources; return their positions by source id. Other workers are claiming the missing ones."""
    if not wanted:
        return {}
    keys = [claim.key for claim, _ in wanted]
    cursor.execute(
        _CLEAR_FORMER,
        ([key.dataset_id for key in keys], [key.topic for key in keys], [key.topic_id for key in keys]),
    )
    ids = [source.id for _, source in wanted]
    cursor.execute(_LOCK, (ids,))
    cursor.execute(_TAKE_OVER, (owner, ids, [source.epoch for _, source in wanted]))
    taken = {row[0]: row[1:] for row in cursor.fetchall()}
    return {source.id: _position(claim, source, taken[source.id]) for claim, source in wanted if source.id in taken}


def _position(claim: SourceClaim, source: _StoredSource, taken: Sequence[Any]) -> Position:
    epoch, next_offset, max_at, leader_epoch, *attempt = taken
    return Position(
        source.id,
        claim.key,
        epoch=epoch,
        next_offset=next_offset,
        max_at_ms=watermark_ms(max_at),
        leader_epoch=leader_epoch,
        # A worker that knows the epoch was the owner itself, and has not crashed.
        orphaned=source.owned and claim.known_epoch is None,
        attempt=None if attempt[0] is None else Attempt(*attempt),
    )


def release_positions(cursor: Cursor[Any], positions: Sequence[Position]) -> None:
    """Clear the owner of these positions, except where the epoch is newer."""
    cursor.execute(_LOCK, ([position.source_id for position in positions],))
    cursor.execute(
        _RELEASE, ([position.source_id for position in positions], [position.epoch for position in positions])
    )


def move_positions(cursor: Cursor[Any], batches: Sequence[SourceBatch]) -> None:
    """Store the next offsets of the batches' sources. Raises Fenced: some of them have another epoch."""
    ids = [batch.position.source_id for batch in batches]
    if len(ids) > 1:
        cursor.execute(_LOCK, (ids,))
    cursor.execute(
        _MOVE,
        (
            ids,
            [batch.position.epoch for batch in batches],
            [batch.next_offset for batch in batches],
            [batch.leader_epoch for batch in batches],
            [None if batch.max_at_ms is None else watermark_time(batch.max_at_ms) for batch in batches],
        ),
    )
    if cursor.rowcount != len(batches):
        moved = {row[0] for row in cursor.fetchall()}
        lost = [batch.position for batch in batches if batch.position.source_id not in moved]
        sources = ", ".join(str(position.key.topic_partition) for position in lost)
        raise Fenced(f"another worker owns {sources}", source_ids=[position.source_id for position in lost])


def advance_positions(cursor: Cursor[Any], ends: Sequence[tuple[Position, OffsetAndEpoch]]) -> set[int]:
    """Advance these positions without a record; return the ids of the sources that moved."""
    cursor.execute(_LOCK, ([position.source_id for position, _ in ends],))
    cursor.execute(
        _ADVANCE,
        (
            [position.source_id for position, _ in ends],
            [position.epoch for position, _ in ends],
            [end.offset for _, end in ends],
            [end.leader_epoch for _, end in ends],
        ),
    )
    return {row[0] for row in cursor.fetchall()}


def set_refusal(cursor: Cursor[Any], dataset_id: int, topic: str, message: str) -> bool:
    """Store for every source of the topic why it cannot be read; create a source if none exists.

    A created source has no topic id and becomes the first partition's once the topic can be read. Returns whether the
    topic was ever read.
    """
    cursor.execute(_SET_REFUSAL, (message, dataset_id, topic, dataset_id, topic, message))
    return bool(_one(cursor)[0])


def set_error(cursor: Cursor[Any], key: SourceKey, message: str) -> None:
    """Store the error that stopped the pipeline, on the source under every id of its topic."""
    cursor.execute(_SET_ERROR, (message, key.dataset_id, key.topic, key.partition))


def record_attempts(cursor: Cursor[Any], attempts: Sequence[tuple[Position, int, int]]) -> None:
    """Store what a worker processes: (position, first offset, number of records). Raises Fenced."""
    # Has to survive a crash of the worker, not of PostgreSQL.
    cursor.execute("SET LOCAL synchronous_commit = off")
    ids = [position.source_id for position, _, _ in attempts]
    cursor.execute(_LOCK, (ids,))
    cursor.execute(
        _RECORD_ATTEMPTS,
        (
            ids,
            [position.epoch for position, _, _ in attempts],
            [offset for _, offset, _ in attempts],
            [records for _, _, records in attempts],
        ),
    )
    recorded = {row[0] for row in cursor.fetchall()}
    if lost := [position for position, _, _ in attempts if position.source_id not in recorded]:
        sources = ", ".join(str(position.key.topic_partition) for position in lost)
        raise Fenced(f"another worker owns {sources}", source_ids=[position.source_id for position in lost])


def set_unreadable(cursor: Cursor[Any], dataset_id: int, message: str) -> None:
    """Store why the dataset's sources cannot be read, except those of other workers; release our own."""
    cursor.execute(_SET_UNREADABLE, (message, dataset_id))


def _one(cursor: Cursor[Any]) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise RetriableStoreError("a row was deleted concurrently")
    return tuple(row)
