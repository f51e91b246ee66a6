"""A Kafka in memory: the fake beside the real one, held to the same cases by tests/contract/ingest."""

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from apps.ingest.core.errors import BrokerUnavailable
from apps.ingest.core.ports import Assignments
from apps.ingest.core.records import Arrivals, Record, TopicPartition, TopicState

CREATE_TIME = 1


@dataclass(frozen=True, slots=True)
class MemoryRecord:
    """A record with the client's accessors."""

    place: TopicPartition
    at_offset: int
    raw_key: bytes | None
    raw_value: bytes | None
    stamp_ms: int
    raw_headers: tuple[tuple[str, bytes | None], ...] = ()

    def topic(self) -> str:
        """The topic."""
        return self.place.topic

    def partition(self) -> int:
        """The partition."""
        return self.place.partition

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
        """The headers, None for none."""
        return list(self.raw_headers) or None

    def timestamp(self) -> tuple[int, int]:
        """The kind and milliseconds since 1970."""
        return CREATE_TIME, self.stamp_ms


@dataclass(slots=True)
class _Topic:
    topic_id: str
    logs: list[list[MemoryRecord]]
    firsts: list[int]


@dataclass(slots=True)
class MemoryKafka:
    """A cluster: topics, and the members of one consumer group. `away` is why it does not answer."""

    away: str = ""
    topics: dict[str, _Topic] = field(default_factory=dict)
    members: list["MemoryBroker"] = field(default_factory=list)
    generation: int = 0
    _lives: "itertools.count[int]" = field(default_factory=itertools.count)

    def make(self, name: str, partitions: int = 1) -> None:
        """Make a topic, or make it again: with another id, and empty."""
        life = f"life-{next(self._lives)}"
        self.topics[name] = _Topic(life, [[] for _ in range(partitions)], [0] * partitions)
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
        """Append a record, and say its offset."""
        topic = self.topics[place.topic]
        log = topic.logs[place.partition]
        offset = topic.firsts[place.partition] + len(log)
        log.append(MemoryRecord(place, offset, key, value, stamp_ms, headers))
        return offset

    def expire(self, place: TopicPartition, before: int) -> None:
        """Drop the records before an offset, as retention does."""
        topic = self.topics[place.topic]
        gone = before - topic.firsts[place.partition]
        del topic.logs[place.partition][:gone]
        topic.firsts[place.partition] = before

    def states(self, names: Collection[str]) -> dict[str, TopicState]:
        """The topics of these names that exist."""
        self._answer()
        return {
            name: TopicState(self.topics[name].topic_id, tuple(range(len(self.topics[name].logs))))
            for name in names
            if name in self.topics
        }

    def offsets(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, tuple[int, int]]:
        """The first offset and the one after the last of each partition."""
        self._answer()
        return {place: self.range(place) for place in partitions}

    def range(self, place: TopicPartition) -> tuple[int, int]:
        """The first offset and the one after the last."""
        topic = self.topics[place.topic]
        first = topic.firsts[place.partition]
        return first, first + len(topic.logs[place.partition])

    def _answer(self) -> None:
        if self.away:
            raise BrokerUnavailable(self.away)


class MemoryBroker:
    """One member of the group; partitions are dealt out in turn at each member's next poll."""

    def __init__(self, kafka: MemoryKafka) -> None:
        self._kafka = kafka
        self._topics: frozenset[str] = frozenset()
        self._assignments: Assignments | None = None
        self._reading: dict[TopicPartition, int | None] = {}
        self._ended: set[TopicPartition] = set()
        self._generation = -1
        self.committed: dict[TopicPartition, int] = {}

    def subscribe(self, topics: Collection[str], assignments: Assignments) -> None:
        """Share these topics, and no others, with the other members of the group."""
        if self._assignments is not None and frozenset(topics) == self._topics:
            return
        self._topics, self._assignments = frozenset(topics), assignments
        if self not in self._kafka.members:
            self._kafka.members.append(self)
        self._kafka.generation += 1

    def poll(self, count: int, timeout_s: float) -> Arrivals:
        """At most `count` records."""
        if self._kafka.away:
            return Arrivals({})
        self._rebalance()
        records: dict[TopicPartition, list[Record]] = {}
        ended, lost = set(), set()
        for place, offset in sorted(self._reading.items()):
            if offset is None or place.topic not in self._kafka.topics:
                continue
            first, end = self._kafka.range(place)
            if not first <= offset <= end:
                lost.add(place)
                self._reading[place] = None
                continue
            log = self._kafka.topics[place.topic].logs[place.partition]
            taken = log[offset - first : offset - first + count]
            if taken:
                records[place] = list(taken)
                self._reading[place] = offset + len(taken)
                self._ended.discard(place)
                count -= len(taken)
            elif place not in self._ended:
                self._ended.add(place)
                ended.add(place)
        return Arrivals(records, frozenset(ended), frozenset(lost))

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

    def start(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Inside of on_assign: read these partitions, each from its offset."""
        self._reading |= offsets

    def hold(self, partitions: Iterable[TopicPartition]) -> None:
        """Inside of on_assign: take these partitions and read nothing until `seek`."""
        self._reading |= dict.fromkeys(partitions)

    def seek(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Go on reading these partitions from these offsets."""
        self._reading |= offsets
        self._ended -= offsets.keys()

    def pause(self, partitions: Iterable[TopicPartition]) -> None:
        """Read nothing from these partitions until `seek`."""
        self._reading |= dict.fromkeys(partitions)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Remember the offsets for tests."""
        self.committed |= offsets

    def trouble(self) -> str:
        """Why Kafka does not answer, "" when it does."""
        return self._kafka.away

    def close(self) -> None:
        """Leave the group; revokes what is assigned."""
        if self._assignments is not None and self._reading:
            self._assignments.on_revoke(sorted(self._reading))
        self._reading = {}
        if self in self._kafka.members:
            self._kafka.members.remove(self)
            self._kafka.generation += 1

    def vanish(self) -> None:
        """Leave the group as a killed process does: nobody is told."""
        self._kafka.members.remove(self)
        self._kafka.generation += 1
