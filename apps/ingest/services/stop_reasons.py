"""Why a stream has to stop, by what Kafka says of its topic and its log, with the way on."""

from typing import Final

from apps.ingest.core.errors import (
    LogTruncated,
    OffsetsLost,
    PartitionUnavailable,
    PipelineStopped,
    TopicRecreated,
    TopicRefused,
)
from apps.ingest.core.records import OffsetRange, OffsetRanges, Position, TopicPartition, TopicStates
from apps.ingest.core.truncation import is_truncation, truncation_end
from apps.ingest.services.stream import Stream

ENDED_BY_CLAIM: Final = (OffsetsLost, PartitionUnavailable, TopicRecreated, TopicRefused)
"""Reasons to stop that a claim finds again where they still hold; the others show at work alone."""


def topic_verdict(stream: Stream, seen: TopicStates) -> PipelineStopped | None:
    """Why this stream has to stop now, by what Kafka says of its topic; None when it need not, or is already."""
    place, position = stream.topic_partition, stream.position
    verdict: PipelineStopped | None = None
    state = seen.found.get(place.topic)
    if reason := seen.refused.get(place.topic):
        verdict = TopicRefused(reason)
    elif state is not None and place.partition in state.leaderless:
        verdict = PartitionUnavailable(
            f"{place} has no leader in Kafka: bring its brokers back; it is read again then"
        )
    elif state is not None and position is not None and position.key.topic_id != state.topic_id:
        verdict = TopicRecreated(
            f"the topic {place.topic} was deleted and made again "
            f"(its id was {position.key.topic_id}, now it is {state.topic_id}); to begin anew: "
            f"manage.py topics accept {stream.target.name}"
        )
    return None if verdict is None or (position is None and stream.last_error == str(verdict)) else verdict


def range_of(ranges: OffsetRanges, place: TopicPartition) -> OffsetRange:
    """Where the partition begins and ends. Raises PartitionUnavailable: Kafka does not say."""
    if said := ranges.errors.get(place):
        raise PartitionUnavailable(said)
    return ranges.found[place]


def position_loss(stream: Stream, position: Position, said: str) -> PipelineStopped:
    """What it means that Kafka cannot go on from this position."""
    if is_truncation(said):
        return LogTruncated(truncated_line(stream.target.name, stream.topic_partition, position, said))
    return OffsetsLost(lost_line(stream, position.next_offset))


def truncated_line(dataset: str, place: TopicPartition, position: Position, said: str = "") -> str:
    """What happened to the log, as far as Kafka says, and the way on."""
    end = truncation_end(said)
    known = f"at offset {end}" if end is not None else "at an offset that Kafka does not tell"
    return (
        f"the log of {place} was cut: {position.next_offset} is the next offset to be stored, and what was read "
        f"before it, under leader epoch {position.leader_epoch}, ends in Kafka {known}; to read on from the cut: "
        f"manage.py topics accept {dataset}"
    )


def lost_line(stream: Stream, wanted: int, held: str = "") -> str:
    """What Kafka no longer has, what it holds, and the way on."""
    return (
        f"offset {wanted} of {stream.topic_partition} is the next to be stored and Kafka no longer has it{held}; "
        f"to go on with what it has: manage.py topics accept {stream.target.name}"
    )
