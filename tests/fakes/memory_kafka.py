"""An in-memory Kafka, with the same contract tests as the real one (tests/contract/ingest)."""

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from apps.ingest.core.errors import BrokerUnavailable
from apps.ingest.core.ports import RebalanceListener
from apps.ingest.core.records import (
    ConsumerRecord,
    GroupMember,
    OffsetAndEpoch,
    OffsetRange,
    OffsetRanges,
    PollResult,
    TopicPartition,
    TopicState,
    TopicStates,
)

CREATE_TIME = 1


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """A record with the client's accessors."""

    topic_partition: TopicPartition
    at_offset: int
    raw_key: bytes | None
    raw_value: bytes | None
    stamp_ms: int
    raw_headers: tuple[tuple[str, bytes | None], ...] = ()
    written_in: int | None = 0

    def __len__(self) -> int:
        """Bytes of the value."""
        return len(self.raw_value or b"")

    def topic(self) -> str:
        """The topic."""
        return self.topic_partition.topic

    def partition(self) -> int:
        """The partition."""
        return self.topic_partition.partition

    def offset(self) -> int:
        """The offset in the partition."""
        return self.at_offset

    def key(self) -> bytes | None:
        """The raw key."""
        return self.raw_key

    def value(self) -> bytes | None:
        """The raw value; None for a tombstone."""
        return self.raw_value

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        """The headers, or None."""
        return list(self.raw_headers) or None

    def timestamp(self) -> tuple[int, int]:
        """The timestamp type, and milliseconds since the epoch."""
        return CREATE_TIME, self.stamp_ms

    def leader_epoch(self) -> int | None:
        """The epoch of the leader that appended it."""
        return self.written_in


@dataclass(slots=True)
class _Log:
    """A partition; an offset without a record is a transaction marker."""

    first: int = 0
    end: int = 0
    leader_epoch: int = 0
    records: list[MemoryRecord] = field(default_factory=list)

    def epoch_end(self, leader_epoch: int) -> int:
        """The end offset of the log up to this epoch."""
        later = (record.at_offset for record in self.records if (record.written_in or 0) > leader_epoch)
        return min(later, default=self.end)


@dataclass(slots=True)
class _Topic:
    topic_id: str
    logs: list[_Log]


@dataclass(slots=True)
class MemoryKafka:
    """A cluster: topics, and the members of one consumer group.

    `away` is why it does not respond, `refused` why topics may not be read; `leaderless` are partitions.
    """

    away: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    leaderless: set[TopicPartition] = field(default_factory=set)
    topics: dict[str, _Topic] = field(default_factory=dict)
    members: list["MemoryConsumer"] = field(default_factory=list)
    generation: int = 0
    _lives: "itertools.count[int]" = field(default_factory=itertools.count)

    def make(self, name: str, partitions: int = 1) -> None:
        """Create or recreate a topic: empty, with a new id."""
        life = f"life-{next(self._lives)}"
        self.topics[name] = _Topic(life, [_Log() for _ in range(partitions)])
        self.generation += 1

    def send(
        self,
        place: TopicPartition,
        value: bytes | None,
        *,
        key: bytes | None = None,
        stamp_ms: int = 0,
        headers: tuple[tuple[str, bytes | None], ...] = (),
    ) -> int:
        """Append a record and return its offset."""
        log = self.log(place)
        offset, log.end = log.end, log.end + 1
        log.records.append(MemoryRecord(place, offset, key, value, stamp_ms, headers, log.leader_epoch))
        return offset

    def mark(self, place: TopicPartition, count: int = 1) -> None:
        """Append transaction markers or aborted records: offsets that no consumer receives."""
        self.log(place).end += count

    def expire(self, place: TopicPartition, before: int) -> None:
        """Drop the records before an offset, as retention does."""
        log = self.log(place)
        log.records = [record for record in log.records if record.at_offset >= before]
        log.first = before

    def truncate(self, place: TopicPartition, end: int) -> None:
        """Truncate the log at an offset under a new leader, as an unclean election does."""
        log = self.log(place)
        log.records = [record for record in log.records if record.at_offset < end]
        log.end, log.leader_epoch = end, log.leader_epoch + 1

    def log(self, place: TopicPartition) -> _Log:
        """The partition's log."""
        return self.topics[place.topic].logs[place.partition]

    def states(self, names: Collection[str]) -> TopicStates:
        """The topics with these names."""
        self.answer()
        found = {
            name: TopicState(
                topic.topic_id,
                tuple(range(len(topic.logs))),
                frozenset(place.partition for place in self.leaderless if place.topic == name),
            )
            for name, topic in self.topics.items()
            if name in names and name not in self.refused
        }
        return TopicStates(found, {name: self.refused[name] for name in names if name in self.refused})

    def offsets(self, partitions: Collection[TopicPartition]) -> OffsetRanges:
        """The start and end offset of each partition."""
        self.answer()
        logs = {place: self.log(place) for place in partitions if place not in self.leaderless}
        return OffsetRanges(
            {place: OffsetRange(log.first, log.end, log.leader_epoch) for place, log in logs.items()},
            {place: f"{place} has no leader" for place in partitions if place in self.leaderless},
        )

    def answer(self) -> None:
        """Raise BrokerUnavailable while the cluster is down."""
        if self.away:
            raise BrokerUnavailable(self.away)


class MemoryGroup:
    """The group of the cluster's members."""

    def __init__(self, kafka: MemoryKafka) -> None:
        self._kafka = kafka

    def members(self) -> list[GroupMember]:
        """The current members."""
        self._kafka.answer()
        return [GroupMember(member.client_id, "memory") for member in self._kafka.members]


class MemoryConsumer:
    """One member of the group; partitions are reassigned at each member's next poll."""

    def __init__(self, kafka: MemoryKafka, *, client_id: str = "anden") -> None:
        self._kafka = kafka
        self.client_id = client_id
        self._topics: frozenset[str] = frozenset()
        self._assignments: RebalanceListener | None = None
        self._reading: dict[TopicPartition, OffsetAndEpoch | None] = {}
        self._ended: set[TopicPartition] = set()
        self._generation = -1
        self.committed: dict[TopicPartition, int] = {}

    def subscribe(self, topics: Collection[str], assignments: RebalanceListener) -> None:
        """Subscribe to exactly these topics."""
        if self._assignments is not None and frozenset(topics) == self._topics:
            return
        self._topics, self._assignments = frozenset(topics), assignments
        if self not in self._kafka.members:
            self._kafka.members.append(self)
        self._kafka.generation += 1

    def poll(self, count: int, timeout_s: float) -> PollResult:
        """At most `count` records."""
        if self._kafka.away:
            return PollResult({})
        self._rebalance()
        records: dict[TopicPartition, list[ConsumerRecord]] = {}
        ended: dict[TopicPartition, int] = {}
        lost: dict[TopicPartition, str] = {}
        refused: dict[str, str] = {}
        for place, start in sorted(self._reading.items()):
            if start is None or place.topic not in self._kafka.topics or place in self._kafka.leaderless:
                continue
            if place.topic in self._kafka.refused:
                refused[place.topic] = self._kafka.refused[place.topic]
                continue
            log = self._kafka.log(place)
            if error := _lost(log, start):
                lost[place] = error
                self._reading[place] = None
                continue
            taken = [record for record in log.records if record.at_offset >= start.offset][:count]
            if taken:
                records[place] = list(taken)
                self._reading[place] = OffsetAndEpoch(taken[-1].at_offset + 1, taken[-1].written_in)
                self._ended.discard(place)
                count -= len(taken)
            elif place not in self._ended and count:
                self._ended.add(place)
                ended[place] = log.end
        return PollResult(records, ended, lost, refused)

    def _rebalance(self) -> None:
        if self._assignments is None or self._generation == self._kafka.generation:
            return
        self._generation = self._kafka.generation
        mine = self._share()
        if gone := sorted(self._reading.keys() - mine):
            self._assignments.on_revoke(gone)
            for place in gone:
                self._reading.pop(place, None)
        if fresh := sorted(mine - self._reading.keys()):
            self._assignments.on_assign(fresh)

    def _share(self) -> set[TopicPartition]:
        places = sorted(
            TopicPartition(name, number)
            for name, topic in self._kafka.topics.items()
            if name in self._topics
            for number in range(len(topic.logs))
        )
        members = self._kafka.members
        return {place for index, place in enumerate(places) if members[index % len(members)] is self}

    def assign(self, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        """In on_assign: consume these partitions, each from its offset."""
        self._reading |= offsets

    def assign_paused(self, partitions: Iterable[TopicPartition]) -> None:
        """In on_assign: assign these partitions, paused until `seek`."""
        self._reading |= dict.fromkeys(partitions)

    def seek(self, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        """Resume these partitions at these offsets, if the log still has the leader epoch."""
        self._reading |= offsets
        self._ended -= offsets.keys()

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Pause these partitions until `seek`."""
        self._reading |= dict.fromkeys(partitions)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Record the offsets for tests."""
        self.committed |= offsets

    def last_error(self) -> str:
        """Why Kafka does not respond, or ""."""
        return self._kafka.away

    def close(self) -> None:
        """Leave the group; revokes its partitions."""
        if self._assignments is not None and self._reading:
            self._assignments.on_revoke(sorted(self._reading))
        self._reading = {}
        if self in self._kafka.members:
            self._kafka.members.remove(self)
            self._kafka.generation += 1

    def vanish(self) -> None:
        """Leave the group like a killed process, without callbacks."""
        self._kafka.members.remove(self)
        self._kafka.generation += 1


def _lost(log: _Log, start: OffsetAndEpoch) -> str:
    """Kafka's error if the log no longer has this offset and epoch, or ""."""
    if start.leader_epoch is not None and (end := log.epoch_end(start.leader_epoch)) < start.offset:
        return (
            f"Partition log truncation detected at offset {start.offset} (leader epoch {start.leader_epoch}): "
            f"broker end offset is {end} (offset leader epoch {start.leader_epoch})"
        )
    return "" if log.first <= start.offset <= log.end else "Broker: Offset out of range"
