"""What moves: records with their coordinates, the position of a source, rows, and rejects."""

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
    """An offset, and the epoch of the leader that wrote what stands before it; None where that is unknown.

    With the epoch Kafka can tell whether its log still is the one that was read up to here.
    """

    offset: int
    leader_epoch: int | None = None


class OffsetRange(NamedTuple):
    """The first offset of a partition, the one after the last, and the epoch of its last leader."""

    first: int
    end: int
    leader_epoch: int | None = None


class ConsumerRecord(Protocol):
    """One record as the Kafka client hands it out: methods, because calling them late is cheap."""

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
        """The headers, in order; a name may stand there twice."""

    def timestamp(self) -> tuple[int, int]:
        """The kind (0: none) and milliseconds since 1970."""

    def leader_epoch(self) -> int | None:
        """The epoch of the leader that took the record; None where Kafka does not say."""


@dataclass(frozen=True, slots=True)
class SourceKey:
    """What a position belongs to: a partition of one life of a topic, as read for one dataset."""

    dataset_id: int
    topic: str
    topic_id: str
    partition: int

    @property
    def topic_partition(self) -> TopicPartition:
        """The partition, whatever the topic's id."""
        return TopicPartition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Records that a worker took up after another had died over them, and how many times that was done."""

    offset: int
    records: int
    times: int


@dataclass(slots=True)
class Position:
    """How far a source is stored, and the epoch that allows to say so.

    `max_at_ms` is the running maximum of the records' timestamps, milliseconds since 1970; `leader_epoch` belongs
    to the last record; `end_offset` is where the partition ended when it was read to its end, None before. The
    position is `orphaned` where its former owner never let go of it, and has the last attempt at what such an owner
    may have died over.
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
    """What one batch holds of one source; `dropped` are the late ones that a contract lets go."""

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
        """The offset after the last; control records between offsets are why it is no count."""
        return self.last_offset + 1

    @property
    def leader_epoch(self) -> int | None:
        """The leader epoch of the last record."""
        return self.records[-1].leader_epoch() if self.records else self.position.leader_epoch

    def extend(self, later: "SourceBatch") -> None:
        """Add what came next of the same source in the same batch."""
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
    """A topic as Kafka has it now; partitions without a leader can be neither asked nor read.

    `unreadable` says why we get no records although we may look at the topic, "" when we do.
    """

    topic_id: str
    partitions: tuple[int, ...]
    leaderless: frozenset[int] = frozenset()
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class TopicStates:
    """The topics of some names: those that we see, and why others are refused; missing ones are in neither."""

    found: Mapping[str, TopicState] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    def missing(self, names: Iterable[str]) -> set[str]:
        """Those of the names that Kafka has no topic of."""
        return set(names) - self.found.keys() - self.refused.keys()

    def for_reader(self, missing: Iterable[str] = ()) -> "TopicStates":
        """The same as it is for those who want records: what gives none is refused, and so are missing topics."""
        unreadable = {name: state.unreadable for name, state in self.found.items() if state.unreadable}
        readable = {name: state for name, state in self.found.items() if not state.unreadable}
        absent = {name: missing_line(name) for name in missing}
        return TopicStates(readable, {**self.refused, **unreadable, **absent})


@dataclass(frozen=True, slots=True)
class OffsetRanges:
    """The ranges of some partitions, and why others have none."""

    found: Mapping[TopicPartition, OffsetRange] = field(default_factory=dict)
    errors: Mapping[TopicPartition, str] = field(default_factory=dict)


class GroupMember(NamedTuple):
    """A client in a consumer group: the name that it gave itself, and where it runs."""

    client_id: str
    host: str


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one poll brought: records by partition, and what else Kafka said.

    `ended` is where partitions end that are read to their end, behind all their records and the marks of
    transactions; `lost` what Kafka says of offsets that it does not hold; `refused` of topics that we may not read.
    """

    records: Mapping[TopicPartition, Sequence[ConsumerRecord]]
    ended: Mapping[TopicPartition, int] = field(default_factory=dict)
    lost: Mapping[TopicPartition, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many records came."""
        return sum(map(len, self.records.values()))


def from_offset(records: Sequence[ConsumerRecord], offset: int) -> Sequence[ConsumerRecord]:
    """Those of the records, rising by offset, that stand at the offset or later."""
    if (records[0].offset() or 0) >= offset:
        return records
    return records[bisect_left(records, offset, key=methodcaller("offset")) :]
