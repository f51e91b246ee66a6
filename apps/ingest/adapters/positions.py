"""The SQL of positions: claim, release, move, each fenced by the epoch."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg import Cursor

from apps.ingest.core.errors import Fenced, RetriableStoreError, TopicRecreated
from apps.ingest.core.ports import SourceClaim
from apps.ingest.core.records import Attempt, OffsetAndEpoch, Position, SourceBatch, SourceKey
from apps.ingest.core.watermarks import watermark_ms, watermark_time

END_TIMEOUT_MS: Final = 5_000

_OTHER_TOPIC_IDS: Final = """
SELECT topic_id FROM public.ingest_source WHERE dataset_id = %s AND topic = %s AND topic_id <> ''
GROUP BY topic_id HAVING NOT EXISTS (
    SELECT FROM public.ingest_source WHERE dataset_id = %s AND topic = %s AND topic_id = %s
) LIMIT 1
"""
_INSERT: Final = """
INSERT INTO public.ingest_source (dataset_id, topic, topic_id, partition, next_offset)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_SELECT: Final = """
SELECT s.id, s.epoch, a.pid, s.owner <> '' FROM public.ingest_source s
LEFT JOIN pg_stat_activity a ON s.owner <> '' AND a.pid = s.backend_pid AND a.backend_start = s.backend_start
    AND a.pid <> pg_backend_pid()
WHERE s.dataset_id = %s AND s.topic = %s AND s.topic_id = %s AND s.partition = %s
"""
# Errors of earlier topic ids and earlier topics of the dataset no longer apply.
_TAKE_OVER: Final = """
WITH former AS (
    UPDATE public.ingest_source SET last_error = ''
    WHERE dataset_id = %s AND (topic, topic_id) <> (%s, %s) AND last_error <> ''
)
UPDATE public.ingest_source SET epoch = epoch + 1, owner = %s, last_error = '', backend_pid = pg_backend_pid(),
    backend_start = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
WHERE id = %s AND epoch = %s
RETURNING epoch, next_offset, max_at, leader_epoch, attempt_offset, attempt_records, attempts
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
WHERE s.id = new.id AND s.epoch = new.epoch
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
UPDATE public.ingest_source SET last_error = %s, owner = '', backend_pid = NULL, backend_start = NULL
WHERE dataset_id = %s AND (owner = '' OR backend_pid = pg_backend_pid())
"""
_RECORD_ATTEMPT: Final = """
UPDATE public.ingest_source SET attempt_offset = new.at, attempt_records = new.records,
    attempts = CASE WHEN (attempt_offset, attempt_records) = (new.at, new.records) THEN attempts + 1 ELSE 1 END
FROM (VALUES (%s::bigint, %s::integer)) AS new (at, records) WHERE id = %s AND epoch = %s
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
# A source without topic id becomes the first partition's, now that the id is known.
_ADOPT: Final = """
UPDATE public.ingest_source SET topic_id = %s, next_offset = %s
WHERE dataset_id = %s AND topic = %s AND topic_id = '' AND partition = %s
"""


def claim_position(cursor: Cursor[Any], claim: SourceClaim, *, owner: str) -> Position:
    """The position of the claimed source, under a new epoch.

    Raises TopicRecreated, Fenced. Raises RetriableStoreError: the previous owner's session did not end.
    """
    key = claim.key
    _check_topic_id(cursor, key)
    identity = (key.dataset_id, key.topic, key.topic_id, key.partition)
    cursor.execute(_SELECT, identity)
    if cursor.rowcount == 0:
        cursor.execute(_ADOPT, (key.topic_id, claim.first_offset, key.dataset_id, key.topic, key.partition))
        cursor.execute(_INSERT, (*identity, claim.first_offset))
        cursor.execute(_SELECT, identity)
    source_id, epoch, backend, owned = _one(cursor)
    if claim.known_epoch is not None and epoch != claim.known_epoch:
        raise Fenced(f"{key.topic_partition} is read by another worker: epoch {epoch}, not {claim.known_epoch}")
    if backend is not None:
        # A worker frozen inside COPY would hold its row locks indefinitely.
        cursor.execute("SELECT pg_terminate_backend(%s, %s)", (backend, END_TIMEOUT_MS))
        if not _one(cursor)[0]:
            raise RetriableStoreError(f"the session of the previous owner of {key.topic_partition} did not end")
    cursor.execute(_TAKE_OVER, (*identity[:3], owner, source_id, epoch))
    taken = cursor.fetchone()
    if taken is None:
        raise RetriableStoreError(f"another worker is claiming {key.topic_partition}")
    held, next_offset, max_at, leader_epoch, *attempt = taken
    return Position(
        source_id,
        key,
        epoch=held,
        next_offset=next_offset,
        max_at_ms=watermark_ms(max_at),
        leader_epoch=leader_epoch,
        # A worker that knows the epoch was the owner itself, and has not crashed.
        orphaned=owned and claim.known_epoch is None,
        attempt=None if attempt[0] is None else Attempt(*attempt),
    )


def _check_topic_id(cursor: Cursor[Any], key: SourceKey) -> None:
    cursor.execute(_OTHER_TOPIC_IDS, (key.dataset_id, key.topic) * 2 + (key.topic_id,))
    other = cursor.fetchone()
    if other is not None:
        raise TopicRecreated(
            f"the topic {key.topic} was deleted and created again (its id was {other[0]}, now it is {key.topic_id}), "
            f"so the stored offsets are meaningless; to start over: `manage.py topics accept` with the dataset"
        )


def release_positions(cursor: Cursor[Any], positions: Sequence[Position]) -> None:
    """Clear the owner of these positions, except where the epoch is newer."""
    cursor.execute(
        _RELEASE, ([position.source_id for position in positions], [position.epoch for position in positions])
    )


def move_positions(cursor: Cursor[Any], batches: Sequence[SourceBatch]) -> None:
    """Store the next offsets of the batches' sources. Raises Fenced: one of them has another epoch."""
    watermarks = [None if batch.max_at_ms is None else watermark_time(batch.max_at_ms) for batch in batches]
    cursor.execute(
        _MOVE,
        (
            [batch.position.source_id for batch in batches],
            [batch.position.epoch for batch in batches],
            [batch.next_offset for batch in batches],
            [batch.leader_epoch for batch in batches],
            watermarks,
        ),
    )
    if cursor.rowcount != len(batches):
        sources = ", ".join(str(batch.position.key.topic_partition) for batch in batches)
        raise Fenced(f"another worker owns one of {sources}")


def advance_positions(cursor: Cursor[Any], ends: Sequence[tuple[Position, OffsetAndEpoch]]) -> set[int]:
    """Advance these positions without a record; return the ids of the sources that moved."""
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


def record_attempt(cursor: Cursor[Any], position: Position, records: int) -> None:
    """Store that a worker processes so many records from the position on. Raises Fenced."""
    # Has to survive a crash of the worker, not of PostgreSQL.
    cursor.execute("SET LOCAL synchronous_commit = off")
    cursor.execute(_RECORD_ATTEMPT, (position.next_offset, records, position.source_id, position.epoch))
    if cursor.rowcount != 1:
        raise Fenced(f"another worker owns {position.key.topic_partition}")


def set_unreadable(cursor: Cursor[Any], dataset_id: int, message: str) -> None:
    """Store why the dataset's sources cannot be read, except those of other workers; release our own."""
    cursor.execute(_SET_UNREADABLE, (message, dataset_id))


def _one(cursor: Cursor[Any]) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise RetriableStoreError("a row was deleted concurrently")
    return tuple(row)
