"""The statements of positions: claim, release, move, each fenced by the epoch."""

from collections.abc import Sequence
from typing import Any, Final

from psycopg import Cursor

from apps.ingest.core.errors import Fenced, RetriableStoreError, TopicRecreated
from apps.ingest.core.ports import SourceClaim
from apps.ingest.core.records import Attempt, OffsetAndEpoch, Position, SourceBatch, SourceKey
from apps.ingest.core.watermarks import watermark_ms, watermark_time

END_TIMEOUT_MS: Final = 5_000

_OTHER_LIVES: Final = """
SELECT topic_id FROM public.ingest_source WHERE dataset_id = %s AND topic = %s AND topic_id <> ''
GROUP BY topic_id HAVING NOT EXISTS (
    SELECT FROM public.ingest_source WHERE dataset_id = %s AND topic = %s AND topic_id = %s
) LIMIT 1
"""
_MAKE: Final = """
INSERT INTO public.ingest_source (dataset_id, topic, topic_id, partition, next_offset)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
_READ: Final = """
SELECT s.id, s.epoch, a.pid, s.owner <> '' FROM public.ingest_source s
LEFT JOIN pg_stat_activity a ON s.owner <> '' AND a.pid = s.backend_pid AND a.backend_start = s.backend_start
    AND a.pid <> pg_backend_pid()
WHERE s.dataset_id = %s AND s.topic = %s AND s.topic_id = %s AND s.partition = %s
"""
# What stood beside former lives of the topic, or the dataset's topics before this one, is over with them.
_TAKE: Final = """
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
# The time stays: freshness is the age of the last batch.
_ADVANCE: Final = """
UPDATE public.ingest_source s SET next_offset = new.next_offset, leader_epoch = new.leader_epoch
FROM unnest(%s::integer[], %s::bigint[], %s::bigint[], %s::integer[]) AS new (id, epoch, next_offset, leader_epoch)
WHERE s.id = new.id AND s.epoch = new.epoch AND s.next_offset <= new.next_offset RETURNING s.id
"""
_TROUBLE: Final = """
UPDATE public.ingest_source SET last_error = %s WHERE dataset_id = %s AND topic = %s AND partition = %s
"""
_UNREADABLE: Final = """
UPDATE public.ingest_source SET last_error = %s, owner = '', backend_pid = NULL, backend_start = NULL
WHERE dataset_id = %s AND (owner = '' OR backend_pid = pg_backend_pid())
"""
_ATTEMPT: Final = """
UPDATE public.ingest_source SET attempt_offset = new.at, attempt_records = new.records,
    attempts = CASE WHEN (attempt_offset, attempt_records) = (new.at, new.records) THEN attempts + 1 ELSE 1 END
FROM (VALUES (%s::bigint, %s::integer)) AS new (at, records) WHERE id = %s AND epoch = %s
"""
_REFUSAL: Final = """
WITH present AS (
    UPDATE public.ingest_source SET last_error = %s WHERE dataset_id = %s AND topic = %s RETURNING topic_id
), made AS (
    INSERT INTO public.ingest_source (dataset_id, topic, topic_id, partition, next_offset, last_error)
    SELECT %s, %s, '', 0, 0, %s WHERE NOT EXISTS (SELECT FROM present) ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM present WHERE topic_id <> '')
"""
# A source that stood for a topic which nobody could ask for its id becomes the first partition's.
_ADOPT: Final = """
UPDATE public.ingest_source SET topic_id = %s, next_offset = %s
WHERE dataset_id = %s AND topic = %s AND topic_id = '' AND partition = %s
"""


def claim_position(cursor: Cursor[Any], claim: SourceClaim, *, owner: str) -> Position:
    """The position of the claim's source, taken over under a new epoch.

    Raises TopicRecreated, Fenced. Raises RetriableStoreError: the former owner's session would not end.
    """
    key = claim.key
    _refuse_other_life(cursor, key)
    identity = (key.dataset_id, key.topic, key.topic_id, key.partition)
    cursor.execute(_READ, identity)
    if cursor.rowcount == 0:
        cursor.execute(_ADOPT, (key.topic_id, claim.first_offset, key.dataset_id, key.topic, key.partition))
        cursor.execute(_MAKE, (*identity, claim.first_offset))
        cursor.execute(_READ, identity)
    source_id, epoch, backend, owned = _one(cursor)
    if claim.known_epoch is not None and epoch != claim.known_epoch:
        raise Fenced(f"{key.topic_partition} is read by another worker: epoch {epoch}, not {claim.known_epoch}")
    if backend is not None:
        # A worker frozen inside COPY holds row locks that nobody else can wait for.
        cursor.execute("SELECT pg_terminate_backend(%s, %s)", (backend, END_TIMEOUT_MS))
        if not _one(cursor)[0]:
            raise RetriableStoreError(f"the session of the former owner of {key.topic_partition} does not end")
    cursor.execute(_TAKE, (*identity[:3], owner, source_id, epoch))
    taken = cursor.fetchone()
    if taken is None:
        raise RetriableStoreError(f"another worker is claiming {key.topic_partition} at this moment")
    held, next_offset, max_at, leader_epoch, *attempt = taken
    return Position(
        source_id,
        key,
        epoch=held,
        next_offset=next_offset,
        max_at_ms=watermark_ms(max_at),
        leader_epoch=leader_epoch,
        # Whoever knows the epoch was the owner, and has not died.
        orphaned=owned and claim.known_epoch is None,
        attempt=None if attempt[0] is None else Attempt(*attempt),
    )


def _refuse_other_life(cursor: Cursor[Any], key: SourceKey) -> None:
    cursor.execute(_OTHER_LIVES, (key.dataset_id, key.topic) * 2 + (key.topic_id,))
    other = cursor.fetchone()
    if other is not None:
        raise TopicRecreated(
            f"the topic {key.topic} was deleted and made again (its id was {other[0]}, now it is {key.topic_id}), "
            f"so the stored offsets mean nothing in it; to begin anew: `manage.py topics accept` with the dataset"
        )


def release_positions(cursor: Cursor[Any], positions: Sequence[Position]) -> None:
    """Clear the owner of these, but for those that another epoch holds."""
    cursor.execute(
        _RELEASE, ([position.source_id for position in positions], [position.epoch for position in positions])
    )


def move_positions(cursor: Cursor[Any], parts: Sequence[SourceBatch]) -> None:
    """Store the next offsets of the parts' sources.

    Raises Fenced: one of them has another epoch by now.
    """
    marks = [None if part.max_at_ms is None else watermark_time(part.max_at_ms) for part in parts]
    cursor.execute(
        _MOVE,
        (
            [part.position.source_id for part in parts],
            [part.position.epoch for part in parts],
            [part.next_offset for part in parts],
            [part.leader_epoch for part in parts],
            marks,
        ),
    )
    if cursor.rowcount != len(parts):
        sources = ", ".join(str(part.position.key.topic_partition) for part in parts)
        raise Fenced(f"another worker owns one of {sources}")


def advance_positions(cursor: Cursor[Any], ends: Sequence[tuple[Position, OffsetAndEpoch]]) -> set[int]:
    """Move these positions on without a record, and say the ids of the sources that moved."""
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
    """Write beside every source of the topic why it cannot be read; where there is none, make one to write it beside.

    That one has no topic id yet: it becomes the first partition's when the topic can be read. The answer is whether
    the topic was ever read.
    """
    cursor.execute(_REFUSAL, (message, dataset_id, topic, dataset_id, topic, message))
    return bool(_one(cursor)[0])


def set_error(cursor: Cursor[Any], key: SourceKey, message: str) -> None:
    """Write beside the source, in every life of its topic, why its pipeline is stopped."""
    cursor.execute(_TROUBLE, (message, key.dataset_id, key.topic, key.partition))


def record_attempt(cursor: Cursor[Any], position: Position, records: int) -> None:
    """Note that so many records from the position on are taken up. Raises Fenced."""
    # It is there for the death of a process, not of the server.
    cursor.execute("SET LOCAL synchronous_commit = off")
    cursor.execute(_ATTEMPT, (position.next_offset, records, position.source_id, position.epoch))
    if cursor.rowcount != 1:
        raise Fenced(f"another worker owns {position.key.topic_partition}")


def set_unreadable(cursor: Cursor[Any], dataset_id: int, message: str) -> None:
    """Write beside the dataset's sources why they stand, but for those that another worker reads; let go of ours."""
    cursor.execute(_UNREADABLE, (message, dataset_id))


def _one(cursor: Cursor[Any]) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise RetriableStoreError("a row that was there a moment ago is gone")
    return tuple(row)
