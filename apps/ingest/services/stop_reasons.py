"""Why a stream must stop, judged by its topic and log in Kafka, and how to resume it."""

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
"""Reasons that a claim detects again if they persist; the others show only while reading."""


def topic_verdict(stream: Stream, states: TopicStates) -> PipelineStopped | None:
    """Why this stream must stop, judged by its topic's state; None if it need not or is stopped already."""
    partition, position = stream.topic_partition, stream.position
    verdict: PipelineStopped | None = None
    state = states.found.get(partition.topic)
    if reason := states.refused.get(partition.topic):
        verdict = TopicRefused(reason)
    elif state is not None and partition.partition in state.leaderless:
        verdict = PartitionUnavailable(
            f"{partition} has no leader in Kafka: bring its brokers back; reading then resumes"
        )
    elif state is not None and position is not None and position.key.topic_id != state.topic_id:
        verdict = TopicRecreated(
            f"the topic {partition.topic} was deleted and created again "
            f"(its id was {position.key.topic_id}, now it is {state.topic_id}); to start over: "
            f"manage.py topics accept {stream.target.name}"
        )
    return None if verdict is None or (position is None and stream.last_error == str(verdict)) else verdict


def range_of(ranges: OffsetRanges, partition: TopicPartition) -> OffsetRange:
    """The first and end offset of the partition. Raises PartitionUnavailable: Kafka does not report them."""
    if error := ranges.errors.get(partition):
        raise PartitionUnavailable(error)
    return ranges.found[partition]


def position_loss(stream: Stream, position: Position, error: str) -> PipelineStopped:
    """The stop reason for a position from which Kafka cannot resume."""
    if is_truncation(error):
        return LogTruncated(truncated_line(stream.target.name, stream.topic_partition, position, error))
    return OffsetsLost(lost_line(stream, position.next_offset))


def truncated_line(dataset: str, partition: TopicPartition, position: Position, error: str = "") -> str:
    """The message for a truncated log: what Kafka reports, and how to resume."""
    end = truncation_end(error)
    known = f"at offset {end}" if end is not None else "at an unknown offset"
    return (
        f"the log of {partition} was cut: {position.next_offset} is the next offset to store, but what was read "
        f"before it, under leader epoch {position.leader_epoch}, now ends {known}; to resume from the cut: "
        f"manage.py topics accept {dataset}"
    )


def lost_line(stream: Stream, wanted: int, held: str = "") -> str:
    """The message for a lost offset: what Kafka still has, and how to resume."""
    return (
        f"offset {wanted} of {stream.topic_partition} is the next to store, but Kafka no longer has it{held}; "
        f"to resume with what it has: manage.py topics accept {stream.target.name}"
    )
