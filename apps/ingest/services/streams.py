"""The sources that this worker reads: claimed when assigned, released when revoked."""

import logging
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from apps.ingest.adapters.instrumentation import set_stopped
from apps.ingest.core.errors import (
    BrokerUnavailable,
    Fenced,
    IngestError,
    OffsetsLost,
    PipelineStopped,
    RetriableStoreError,
    TableUnavailable,
    TopicRefused,
)
from apps.ingest.core.ports import GroupConsumer, Store, TargetTable, TopicAdmin
from apps.ingest.core.records import (
    OffsetAndEpoch,
    OffsetRange,
    Position,
    SourceKey,
    TopicPartition,
    TopicState,
    TopicStates,
)
from apps.ingest.services.position_claims import Claimable, PositionClaims
from apps.ingest.services.stop_reasons import ENDED_BY_CLAIM, lost_line, position_loss, range_of, topic_verdict
from apps.ingest.services.stream import Stream
from apps.ingest.services.topic_refusals import TopicRefusals
from apps.ingest.services.topic_watch import WatchedTopics
from apps.ingest.services.unreadable_datasets import UnreadableDatasets

LOGGER: Final = logging.getLogger("apps.ingest")
WAIT_S: Final = 5.0
"""The longest pause before trying a locked table, or a frozen owner's session, again."""

FENCE_PAUSE_S: Final = 15.0
"""Longer than Kafka takes to notify a worker that its group evicted it."""


class Streams:
    """The streams of all assigned partitions, one for each dataset that reads them."""

    def __init__(self, *, consumer: GroupConsumer, topics: TopicAdmin, store: Store, batch_rows: int) -> None:
        self._batch_rows = batch_rows
        self._consumer = consumer
        self._topics = topics
        self._store = store
        self._claims = PositionClaims(store)
        self._refusals = TopicRefusals(store)
        self.unreadable = UnreadableDatasets(store)
        self._assigned: set[TopicPartition] = set()
        self._targets: tuple[TargetTable, ...] = ()
        self._streams: dict[tuple[TopicPartition, int], Stream] = {}
        self._has_unclaimed = True
        self._unproven: set[tuple[TopicPartition, int]] = set()
        self._by_partition: dict[TopicPartition, list[Stream]] = {}
        self._by_dataset: dict[int, list[Stream]] = {}
        self._by_topic: dict[str, list[Stream]] = {}
        self.states: Mapping[str, TopicState] = {}

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._streams.values())

    def at(self, partition: TopicPartition) -> list[Stream]:
        """The claimed streams that read this partition."""
        return [stream for stream in self._by_partition.get(partition, ()) if stream.position is not None]

    def of(self, dataset_id: int) -> list[Stream]:
        """The claimed streams of this dataset."""
        return [stream for stream in self._by_dataset.get(dataset_id, ()) if stream.position is not None]

    def claimed_count(self) -> int:
        """How many streams are claimed."""
        return sum(stream.position is not None for stream in self)

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """The partitions that the group assigned to this worker."""
        return frozenset(self._assigned)

    @property
    def stopped(self) -> dict[str, str]:
        """Why datasets are stopped, by name."""
        stopped = {stream.target.name: stream.last_error for stream in self if stream.last_error}
        return self.unreadable.reasons | self._refusals.reasons | stopped

    def assign(self, partitions: Collection[TopicPartition]) -> None:
        """Add these partitions; `claim` starts reading them."""
        self._assigned.update(partitions)
        self._sync()

    def revoke(self, partitions: Collection[TopicPartition]) -> None:
        """Remove these partitions and release their positions. Raises RetriableStoreError."""
        self._assigned.difference_update(partitions)
        gone = [stream.position for partition in partitions for stream in self.at(partition) if stream.position]
        self._sync()
        if gone:
            self._store.release(gone)

    def set_targets(self, targets: Iterable[TargetTable]) -> None:
        """Read for exactly these datasets; keeps the claimed positions of those that remain."""
        self._targets = tuple(targets)
        self._sync()

    def _sync(self) -> None:
        partitions: defaultdict[str, list[TopicPartition]] = defaultdict(list)
        for partition in self._assigned:
            partitions[partition.topic].append(partition)
        wanted = {
            (partition, one.dataset_id): one for one in self._targets for partition in partitions[one.contract.topic]
        }
        gone = [stream for key, stream in self._streams.items() if key not in wanted and stream.last_error]
        self._streams = {key: stream for key, stream in self._streams.items() if key in wanted}
        for key, target in wanted.items():
            stream = self._streams.setdefault(key, Stream(target, key[0]))
            stream.target = target
        self._has_unclaimed = True
        self._by_partition, self._by_dataset, self._by_topic = defaultdict(list), defaultdict(list), defaultdict(list)
        for stream in self:
            self._by_topic[stream.topic_partition.topic].append(stream)
            self._by_partition[stream.topic_partition].append(stream)
            self._by_dataset[stream.target.dataset_id].append(stream)
        for stream in gone:
            self._show(stream.target)

    def invalidate_all(self) -> None:
        """Drop every position, because the session that owned them is lost."""
        for stream in self:
            self._invalidate(stream)
        self._consumer.pause(self._assigned)

    def _invalidate(self, stream: Stream) -> None:
        stream.invalidate()
        self._has_unclaimed = True

    def suspect(self, dataset_id: int, ends: Mapping[TopicPartition, int]) -> None:
        """Read the dataset's partitions again with fault isolation, up to their position or these end offsets."""
        for stream in self.of(dataset_id):
            read = max(stream.position.next_offset if stream.position else 0, ends.get(stream.topic_partition, 0))
            stream.careful_until = max(stream.careful_until, read)
            self._invalidate(stream)
            self._pause_idle(stream.topic_partition)

    def invalidate(self, dataset_id: int, *, now_s: float) -> None:
        """Drop the dataset's positions and claim them again after a pause."""
        for stream in self._by_dataset.get(dataset_id, ()):
            self._invalidate(stream)
            stream.backoff.failed(now_s)
            self._pause_idle(stream.topic_partition)

    def due(self, now_s: float) -> list[Stream]:
        """The streams to claim now."""
        if not self._has_unclaimed:
            return []
        unclaimed = [stream for stream in self if stream.position is None]
        self._has_unclaimed = bool(unclaimed)
        due = [
            stream
            for stream in unclaimed
            if not stream.backoff.waits(now_s) and self._has_leader(stream.topic_partition)
        ]
        return sorted(due, key=lambda stream: (stream.target.name, stream.topic_partition))

    def _has_leader(self, partition: TopicPartition) -> bool:
        state = self.states.get(partition.topic)
        return state is not None and partition.partition not in state.leaderless

    def claim(self, streams: Sequence[Stream], *, now_s: float) -> None:
        """Claim these streams' positions and read from them.

        Raises BrokerUnavailable, RetriableStoreError: unclaimed streams stay due.
        """
        ranges = self._topics.offsets({stream.topic_partition for stream in streams})
        # After the offsets, so that the id reveals a topic recreated in between.
        self.states = {
            **self.states,
            **self._topics.states({one.topic_partition.topic for one in streams}).for_reader().found,
        }
        claimable: list[Claimable] = []
        for stream in streams:
            try:
                claimable.append((stream, range_of(ranges, stream.topic_partition)))
            except PipelineStopped as error:
                self.stop(stream, error, now_s=now_s)
        results = self._claims.claim(claimable, self.states)
        claimed = [stream for (stream, held), result in results if self._take(stream, held, result, now_s)]
        self._resume({stream.topic_partition for stream in claimed})
        self._claims.log(claimed, [result for _, result in results if isinstance(result, RetriableStoreError)])

    def _take(self, stream: Stream, held: OffsetRange, claimed: Position | IngestError, now_s: float) -> bool:
        """Read from the claimed position, or react to the error; return whether the stream is claimed."""
        match claimed:
            case Fenced():
                self._fenced(stream, str(claimed), now_s=now_s)
            case PipelineStopped():
                self.stop(stream, claimed, now_s=now_s)
            case IngestError():
                stream.backoff.failed(now_s, at_most_s=WAIT_S)
            case Position() if not held.first <= claimed.next_offset <= held.end:
                self._store.release([claimed])
                lost = lost_line(stream, claimed.next_offset, f" (Kafka holds {held.first} to {held.end})")
                self.stop(stream, OffsetsLost(lost), now_s=now_s)
            case Position():
                self._begin(stream, claimed)
                return True
        return False

    def _begin(self, stream: Stream, position: Position) -> None:
        stream.position, stream.known_epoch = position, position.epoch
        if position.orphaned:
            # The crashed worker's open batch reached no further.
            stream.orphaned_until = position.next_offset + 2 * self._batch_rows
            stream.attempt = position.attempt
        if not stream.unproven:
            self._recover(stream)

    def committed(self, dataset_id: int) -> None:
        """Clear the errors of the dataset's streams after a commit."""
        for stream in self.of(dataset_id):
            if stream.unproven:
                self._recover(stream)

    def _recover(self, stream: Stream) -> None:
        stream.last_error, stream.unproven = "", False
        self._unproven.discard((stream.topic_partition, stream.target.dataset_id))
        stream.backoff.succeeded()
        self._show(stream.target)

    def untaken(self, ends: Mapping[TopicPartition, int]) -> set[TopicPartition]:
        """The partitions of which a stream has not taken everything; rewinding others would waste their prefetch."""
        return {
            partition
            for partition, end in ends.items()
            if any(one.position and one.position.next_offset < end for one in self.at(partition))
        }

    def rewind(self, partitions: Iterable[TopicPartition]) -> None:
        """Read these partitions again from the first record that any of their streams lacks."""
        self._resume({partition for partition in partitions if self.at(partition)})

    def _resume(self, partitions: Collection[TopicPartition]) -> None:
        try:
            self._consumer.seek({partition: self._start(partition) for partition in partitions})
        except BrokerUnavailable:
            for stream in (stream for partition in partitions for stream in self.at(partition)):
                self._invalidate(stream)
            raise

    def _start(self, partition: TopicPartition) -> OffsetAndEpoch:
        """The lowest offset that a stream still needs; on a tie, the oldest known epoch."""
        starts = [
            OffsetAndEpoch(stream.position.next_offset, stream.position.leader_epoch)
            for stream in self.at(partition)
            if stream.position
        ]
        return min(starts, key=lambda start: (start.offset, start.leader_epoch is None, start.leader_epoch or 0))

    def stop(self, stream: Stream, error: IngestError, *, now_s: float) -> None:
        """Stop one stream because of its state, report it, and retry after a pause."""
        if stream.last_error != str(error):
            LOGGER.error("%s: %s is stopped: %s", stream.target.name, stream.topic_partition, error)
        stream.last_error = str(error)
        held, stream.position, stream.known_epoch, self._has_unclaimed = stream.position, None, None, True
        stream.unproven = stream.unproven or (held is not None and not isinstance(error, ENDED_BY_CLAIM))
        if stream.unproven:
            self._unproven.add((stream.topic_partition, stream.target.dataset_id))
        stream.backoff.failed(now_s, at_most_s=WAIT_S if isinstance(error, TableUnavailable) else math.inf)
        self._pause_idle(stream.topic_partition)
        self._show(stream.target)
        state = self.states.get(stream.topic_partition.topic)
        topic_id = state.topic_id if state else ""
        key = SourceKey(
            stream.target.dataset_id, stream.topic_partition.topic, topic_id, stream.topic_partition.partition
        )
        try:
            if held is not None:
                self._store.release([held])
            self._store.set_error(key, str(error))
        except IngestError as second:
            self._store.reset()
            LOGGER.warning("could not store the error of %s: %s", stream.topic_partition, second)

    def lost(self, partitions: Mapping[TopicPartition, str], *, now_s: float) -> None:
        """Stop the streams at the offsets that Kafka lost; streams further ahead retry at their own offset.

        Raises BrokerUnavailable.
        """
        for partition, error in partitions.items():
            readers = [(stream, stream.position) for stream in self.at(partition) if stream.position is not None]
            first = min((position.next_offset for _, position in readers), default=None)
            for stream, position in readers:
                if position.next_offset == first:
                    self.stop(stream, position_loss(stream, position, error), now_s=now_s)
        self.rewind(partitions)

    def refuse(self, topics: Mapping[str, str], *, now_s: float) -> None:
        """Stop the streams of these topics, which Kafka refuses."""
        for topic, reason in topics.items():
            for stream in self._by_topic.get(topic, ()):
                if stream.position is not None:
                    self.stop(stream, TopicRefused(reason), now_s=now_s)

    def will_stop(self, topics: WatchedTopics) -> bool:
        """Whether `learn_topics` will stop a stream, which requires that no batch is open."""
        refused = self._refusals.has_news(self._targets, topics.all)
        return refused or any(topic_verdict(stream, topics.fresh) for stream in self.of_topics(topics.fresh))

    def learn_topics(self, topics: WatchedTopics, *, now_s: float) -> None:
        """Apply the topic states; stop streams that cannot be read or whose topic was recreated."""
        fresh = topics.fresh.found
        # A claim may have read a later state than the last refresh that described the topic.
        self.states = {
            topic: fresh.get(topic) or self.states.get(topic) or state for topic, state in topics.all.found.items()
        }
        for stream in self.of_topics(topics.fresh):
            if verdict := topic_verdict(stream, topics.fresh):
                self.stop(stream, verdict, now_s=now_s)
        resolved, noted = self._refusals.update(self._targets, topics.all)
        for name in resolved:
            set_stopped(name, sum(1 for stream in self if stream.last_error and stream.target.name == name))
        for target in noted:
            self._refusals.record(target)
            self._show(target)

    def of_topics(self, states: TopicStates) -> list[Stream]:
        """The streams that read these topics."""
        topics = {*states.found, *states.refused}
        return [stream for topic in topics for stream in self._by_topic.get(topic, ())]

    def ended(self, ends: Mapping[TopicPartition, int]) -> None:
        """Record the end offsets of partitions whose records have all been taken."""
        for partition, end in ends.items():
            for stream in self.at(partition):
                if stream.position is not None:
                    stream.position.end_offset = end

    def prove(self) -> None:
        """Clear the errors of streams that were read to their end; no batch is open."""
        for key in list(self._unproven):
            stream = self._streams.get(key)
            if stream is None:
                self._unproven.discard(key)
            elif stream.position is not None and stream.position.end_offset is not None:
                self._recover(stream)

    def fence(self, stream: Stream, why: str, *, now_s: float) -> None:
        """Drop a position that another worker has taken over."""
        self._fenced(stream, why, now_s=now_s)
        stream.position, self._has_unclaimed = None, True
        self._pause_idle(stream.topic_partition)

    def _fenced(self, stream: Stream, why: str, *, now_s: float) -> None:
        stream.known_epoch = None
        stream.backoff.failed(now_s, at_least_s=FENCE_PAUSE_S)
        LOGGER.warning("%s: %s", stream.target.name, why)

    def _pause_idle(self, partition: TopicPartition) -> None:
        """Pause a partition that no claimed stream reads."""
        if partition in self._assigned and not self.at(partition):
            self._consumer.pause([partition])

    def _show(self, target: TargetTable) -> None:
        stopped = sum(1 for stream in self._by_dataset.get(target.dataset_id, ()) if stream.last_error)
        set_stopped(target.name, max(stopped, int(self._refusals.stops(target.name))))
