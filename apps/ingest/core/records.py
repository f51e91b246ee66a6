"""The values of ingest: records, positions of sources, rows and rejects."""

import datetime
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import methodcaller
from typing import Any, NamedTuple, Protocol

from apps.ingest.core.errors import missing_line

Row = tuple[Any, ...]


class TopicPartition(NamedTuple):
    """One partition of a topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


class OffsetAndEpoch(NamedTuple):
    """An offset, and the leader epoch of the record before it; None if unknown.

    The epoch lets Kafka detect that its log is no longer the one that was read up to this offset.
    """

    offset: int
    leader_epoch: int | None = None


class OffsetRange(NamedTuple):
    """The first offset of a partition, its end offset, and the epoch of its last leader."""

    first: int
    end: int
    leader_epoch: int | None = None


class ConsumerRecord(Protocol):
    """A record as confluent-kafka returns it. Its accessors are methods, so unused fields cost nothing."""

    def __len__(self) -> int:
        """Bytes of the value."""

    def topic(self) -> str | None:
        """The topic."""

    def partition(self) -> int | None:
        """The partition."""

    def offset(self) -> int | None:
        """The offset in the partition."""

    def key(self) -> bytes | None:
        """The raw key."""

    def value(self) -> bytes | None:
        """The raw value; None for a tombstone."""

    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        """The headers, in order; names may repeat."""

    def timestamp(self) -> tuple[int, int]:
        """The timestamp type (0: no timestamp) and milliseconds since 1970."""

    def leader_epoch(self) -> int | None:
        """The leader epoch of the record; None if Kafka does not report it."""


@dataclass(frozen=True, slots=True)
class SourceKey:
    """The key of a position: a partition, under one topic id, as read for one dataset."""

    dataset_id: int
    topic: str
    topic_id: str
    partition: int

    @property
    def topic_partition(self) -> TopicPartition:
        """The partition, without the topic's id."""
        return TopicPartition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Records that a worker retried after another crashed on them, and how often."""

    offset: int
    records: int
    times: int


@dataclass(slots=True)
class Position:
    """How far a source is stored, and the epoch that permits changing it.

    `max_at_ms` is the running maximum of the records' timestamps, milliseconds since 1970. `leader_epoch` belongs to
    the last record. `end_offset` is the partition's end when last reached, None before. The position is `orphaned` if
    its previous owner never released it; `attempt` is the last try at the records on which that owner may have
    crashed.
    """

    source_id: int
    key: SourceKey
    epoch: int
    next_offset: int
    max_at_ms: int | None = None
    orphaned: bool = False
    attempt: Attempt | None = None
    leader_epoch: int | None = None
    end_offset: int | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that did not become a row, and why."""

    record: ConsumerRecord
    reason: str
    message: str
    field: str = ""
    sqlstate: str = ""


@dataclass(slots=True)
class SourceBatch:
    """The share of one source in a batch; `dropped` counts late records that the contract discards."""

    position: Position
    batch_id: int
    first_offset: int
    last_offset: int
    bytes: int = 0
    max_at_ms: int | None = None
    records: list[ConsumerRecord] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    dropped: int = 0
    min_event_time: datetime.datetime | None = None
    max_event_time: datetime.datetime | None = None

    @property
    def next_offset(self) -> int:
        """The offset after the last one. Not a count: control records also occupy offsets."""
        return self.last_offset + 1

    @property
    def leader_epoch(self) -> int | None:
        """The leader epoch of the last record."""
        return self.records[-1].leader_epoch() if self.records else self.position.leader_epoch

    def extend(self, later: "SourceBatch") -> None:
        """Append the records that follow, of the same source and batch."""
        self.last_offset = later.last_offset
        self.bytes += later.bytes
        self.max_at_ms = later.max_at_ms
        self.records += later.records
        self.rows += later.rows
        self.rejects += later.rejects
        self.dropped += later.dropped
        firsts = [time for time in (self.min_event_time, later.min_event_time) if time is not None]
        lasts = [time for time in (self.max_event_time, later.max_event_time) if time is not None]
        self.min_event_time = min(firsts, default=None)
        self.max_event_time = max(lasts, default=None)


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic in Kafka now. Partitions without a leader can be neither queried nor read.

    `unreadable` is why we may describe the topic but not read it, "" if we may.
    """

    topic_id: str
    partitions: tuple[int, ...]
    leaderless: frozenset[int] = frozenset()
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class TopicStates:
    """Topics by name: those found, and why others are refused. Missing topics are in neither."""

    found: Mapping[str, TopicState] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def missing(self, names: Iterable[str]) -> set[str]:
        """The names without a topic in Kafka."""
        return set(names) - self.found.keys() - self.refused.keys()

    def for_reader(self, missing: Iterable[str] = ()) -> "TopicStates":
        """The states for a consumer: unreadable and missing topics count as refused."""
        unreadable = {name: state.unreadable for name, state in self.found.items() if state.unreadable}
        readable = {name: state for name, state in self.found.items() if not state.unreadable}
        absent = {name: missing_line(name) for name in missing}
        return TopicStates(readable, {**self.refused, **unreadable, **absent})


@dataclass(frozen=True, slots=True)
class OffsetRanges:
    """The ranges of partitions, and why others are unknown."""

    found: Mapping[TopicPartition, OffsetRange] = field(default_factory=dict)
    errors: Mapping[TopicPartition, str] = field(default_factory=dict)


class GroupMember(NamedTuple):
    """A client in a consumer group: its client id and host."""

    client_id: str
    host: str


@dataclass(frozen=True, slots=True)
class PollResult:
    """The records of one poll by partition, and its errors.

    `ended` has the end offsets of partitions that were read to their end, transaction markers included. `lost` has
    Kafka's errors on offsets that it no longer holds, `refused` those on topics that we may not read.
    """

    records: Mapping[TopicPartition, Sequence[ConsumerRecord]]
    ended: Mapping[TopicPartition, int] = field(default_factory=dict)
    lost: Mapping[TopicPartition, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """The number of records."""
        return sum(map(len, self.records.values()))


def from_offset(records: Sequence[ConsumerRecord], offset: int) -> Sequence[ConsumerRecord]:
    """The records, sorted by offset, from `offset` on."""
    if (records[0].offset() or 0) >= offset:
        return records
    return records[bisect_left(records, offset, key=methodcaller("offset")) :]
