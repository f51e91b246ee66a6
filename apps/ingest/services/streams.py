"""Which sources this worker reads: claimed when they are assigned, let go when they are revoked."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from apps.datasets.core.applied import UnreadableDataset
from apps.ingest.adapters.meter import show_stopped
from apps.ingest.core.errors import (
    BrokerUnavailable,
    Fenced,
    IngestError,
    OffsetsLost,
    PipelineStopped,
    StateUnreadable,
    StoreUnavailable,
    TopicRecreated,
)
from apps.ingest.core.pauses import Backoff
from apps.ingest.core.ports import Broker, Claim, Store, Target, Topics
from apps.ingest.core.records import Attempt, Position, SourceKey, TopicPartition, TopicState
from apps.ingest.services.defects import DefectLog

LOGGER: Final = logging.getLogger("apps.ingest")
_FIRST_PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 60.0
FENCE_PAUSE_S: Final = 15.0
"""Longer than Kafka needs to tell a worker that the group went on without it."""


def _backoff() -> Backoff:
    return Backoff(first_s=_FIRST_PAUSE_S, longest_s=_LONGEST_PAUSE_S)


@dataclass(slots=True)
class Stream:
    """One partition as read for one dataset; without position it is assigned and not claimed.

    `known_epoch` is the epoch that a claim after a lost session must still find. Records before `careful_until` are
    taken by fault isolation; those before `orphaned_until` may have ended the worker that had them, whose last
    `attempt` it was. A stream that was stopped at work is `unproven` until it commits: a claim alone shows nothing.
    """

    target: Target
    place: TopicPartition
    position: Position | None = None
    known_epoch: int | None = None
    careful_until: int = 0
    orphaned_until: int = 0
    attempt: Attempt | None = None
    trouble: str = ""
    unproven: bool = False
    backoff: Backoff = field(default_factory=_backoff)

    def lose(self) -> None:
        """Forget the position, not the epoch: the next claim reads what is stored."""
        if self.position is not None:
            self.known_epoch, self.position = self.position.epoch, None


class Streams:
    """The streams of all assigned partitions and all datasets that read them."""

    def __init__(self, *, broker: Broker, topics: Topics, store: Store, batch_rows: int) -> None:
        self._batch_rows = batch_rows
        self._broker = broker
        self._topics = topics
        self._store = store
        self._defects = DefectLog()
        self._unreadable: dict[str, str] = {}
        self._told: dict[str, str] = {}
        self._assigned: set[TopicPartition] = set()
        self._targets: tuple[Target, ...] = ()
        self._streams: dict[tuple[TopicPartition, int], Stream] = {}
        self._by_place: dict[TopicPartition, list[Stream]] = {}
        self.states: Mapping[str, TopicState] = {}

    def __iter__(self) -> Iterator[Stream]:
        return iter(self._streams.values())

    def at(self, place: TopicPartition) -> list[Stream]:
        """The claimed streams that read this partition."""
        return [stream for stream in self._by_place.get(place, ()) if stream.position is not None]

    def sources(self, dataset_id: int) -> list[int]:
        """The ids of the dataset's claimed sources."""
        return [
            stream.position.source_id
            for stream in self
            if stream.position is not None and stream.target.dataset_id == dataset_id
        ]

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """The partitions that the group gave us."""
        return frozenset(self._assigned)

    @property
    def stopped(self) -> dict[str, str]:
        """Why a dataset is stopped, by its name."""
        return self._unreadable | {stream.target.name: stream.trouble for stream in self if stream.trouble}

    def assign(self, places: Collection[TopicPartition]) -> None:
        """Take these partitions; `claim` makes them move."""
        self._assigned.update(places)
        self._sync()

    def revoke(self, places: Collection[TopicPartition]) -> None:
        """Forget these partitions, releasing what is claimed. Raises StoreUnavailable."""
        self._assigned.difference_update(places)
        gone = [stream.position for stream in self if stream.place in places and stream.position]
        self._sync()
        if gone:
            self._store.release(gone)

    def aim(self, targets: Iterable[Target]) -> None:
        """Read for these datasets and no others; claimed positions of those that stay are kept."""
        self._targets = tuple(targets)
        self._sync()

    def unheard(self, unreadable: Collection[UnreadableDataset]) -> bool:
        """Whether `set_aside` has something new to say."""
        return any(self._told.get(one.name) != one.trouble for one in unreadable)

    def set_aside(self, unreadable: Collection[UnreadableDataset]) -> None:
        """Say of these why nobody reads them, once each. Raises StoreUnavailable."""
        self._unreadable = {one.name: one.trouble for one in unreadable}
        for one in unreadable:
            if self._told.get(one.name) == one.trouble:
                continue
            LOGGER.error("%s: it is stopped: %s", one.name, one.trouble)
            show_stopped(one.name, 1)
            self._store.note_unreadable(one.id, one.trouble)
            self._told[one.name] = one.trouble
        for name in self._told.keys() - self._unreadable.keys():
            del self._told[name]
            show_stopped(name, 0)

    def _sync(self) -> None:
        wanted = {
            (place, target.dataset_id): target
            for target in self._targets
            for place in self._assigned
            if place.topic == target.contract.topic
        }
        self._streams = {key: stream for key, stream in self._streams.items() if key in wanted}
        for key, target in wanted.items():
            stream = self._streams.setdefault(key, Stream(target, key[0]))
            stream.target = target
        self._by_place = {place: [] for place, _ in wanted}
        for stream in self:
            self._by_place[stream.place].append(stream)

    def lose_all(self) -> None:
        """Forget every position: the session that owned them is gone."""
        for stream in self:
            stream.lose()
        self._broker.pause(self._assigned)

    def suspect(self, dataset_id: int, ends: Mapping[TopicPartition, int]) -> None:
        """Have the dataset's partitions read again by fault isolation, up to where they were read or to these ends."""
        for stream in self:
            if stream.target.dataset_id == dataset_id and stream.position is not None:
                read = max(stream.position.next_offset, ends.get(stream.place, 0))
                stream.careful_until = max(stream.careful_until, read)
                stream.lose()
                self._hold_idle(stream.place)

    def lose(self, dataset_id: int, *, now_s: float) -> None:
        """Forget the dataset's positions and claim them again after a pause."""
        for stream in self:
            if stream.target.dataset_id == dataset_id:
                stream.lose()
                stream.backoff.failed(now_s)
                self._hold_idle(stream.place)

    def due(self, now_s: float) -> list[Stream]:
        """The streams to be claimed now."""
        due = [
            stream
            for stream in self
            if stream.position is None and not stream.backoff.waits(now_s) and stream.place.topic in self.states
        ]
        return sorted(due, key=lambda stream: (stream.target.name, stream.place))

    def claim(self, streams: Sequence[Stream], *, now_s: float) -> None:
        """Take over the positions of these and read on from them.

        Raises BrokerUnavailable, StoreUnavailable: those that are not claimed stay due.
        """
        ranges = self._topics.offsets({stream.place for stream in streams})
        moved = set()
        for stream in streams:
            try:
                self._claim_one(stream, *ranges[stream.place])
            except Fenced as error:
                stream.known_epoch = None
                stream.backoff.failed(now_s, at_least_s=FENCE_PAUSE_S)
                LOGGER.warning("%s: %s", stream.target.name, error)
            except PipelineStopped as error:
                self.stop(stream, error, now_s=now_s)
            except (StoreUnavailable, BrokerUnavailable):
                raise
            except Exception as error:  # noqa: BLE001  this stream's state is at fault, not the others'
                self._defects.tell(error)
                self.stop(stream, StateUnreadable(f"its position fails with {type(error).__name__}"), now_s=now_s)
            else:
                moved.add(stream.place)
        self._read_on(moved)

    def _claim_one(self, stream: Stream, first: int, end: int) -> None:
        state = self.states[stream.place.topic]
        key = SourceKey(stream.target.dataset_id, *(stream.place.topic, state.topic_id, stream.place.partition))
        position = self._store.claim(Claim(key, first, stream.known_epoch))
        if not first <= position.next_offset <= end:
            self._store.release([position])
            raise OffsetsLost(_lost(stream, position.next_offset, f" (Kafka holds {first} to {end})"))
        stream.position, stream.known_epoch = position, position.epoch
        if position.orphaned:
            # The open batch of the one who died reached no further.
            stream.orphaned_until = position.next_offset + 2 * self._batch_rows
            stream.attempt = position.attempt
            stream.careful_until = max(stream.careful_until, stream.orphaned_until)
        if not stream.unproven:
            self._recover(stream)
        LOGGER.info(
            "%s: reading %s from offset %d, epoch %d",
            *(stream.target.name, stream.place, position.next_offset, position.epoch),
        )

    def committed(self, dataset_id: int) -> None:
        """Take note that a batch of the dataset was committed: what had stopped it is over."""
        for stream in self:
            if stream.unproven and stream.target.dataset_id == dataset_id and stream.position is not None:
                self._recover(stream)

    def _recover(self, stream: Stream) -> None:
        stream.trouble, stream.unproven = "", False
        stream.backoff.succeeded()
        self._show(stream.target)

    def rewind(self, places: Iterable[TopicPartition]) -> None:
        """Read these partitions again from the first record that one of their streams has not taken."""
        self._read_on({place for place in places if self.at(place)})

    def _read_on(self, places: Collection[TopicPartition]) -> None:
        try:
            self._broker.seek({place: self._start(place) for place in places})
        except BrokerUnavailable:
            for stream in (stream for place in places for stream in self.at(place)):
                stream.lose()
            raise

    def _start(self, place: TopicPartition) -> int:
        return min(stream.position.next_offset for stream in self.at(place) if stream.position)

    def stop(self, stream: Stream, error: IngestError, *, now_s: float) -> None:
        """Stop one stream because of its state, say so, and look again after a pause."""
        if stream.trouble != str(error):
            LOGGER.error("%s: %s is stopped: %s", stream.target.name, stream.place, error)
        stream.trouble = str(error)
        held, stream.position, stream.known_epoch = stream.position, None, None
        stream.unproven = stream.unproven or held is not None
        stream.backoff.failed(now_s)
        self._hold_idle(stream.place)
        self._show(stream.target)
        state = self.states.get(stream.place.topic)
        topic_id = state.topic_id if state else ""
        key = SourceKey(stream.target.dataset_id, stream.place.topic, topic_id, stream.place.partition)
        try:
            if held is not None:
                self._store.release([held])
            self._store.note_trouble(key, str(error))
        except IngestError as second:
            self._store.reset()
            LOGGER.warning("could not note the trouble of %s: %s", stream.place, second)

    def lost(self, places: Iterable[TopicPartition], *, now_s: float) -> None:
        """Stop the streams of these partitions: Kafka says that it has not the offset any more."""
        for place in places:
            for stream in self.at(place):
                wanted = stream.position.next_offset if stream.position else -1
                self.stop(stream, OffsetsLost(_lost(stream, wanted)), now_s=now_s)

    def learn_states(self, states: Mapping[str, TopicState], *, now_s: float) -> None:
        """Take note of the topics as they are now; stop what was claimed in another life of its topic."""
        self.states = states
        for stream in self:
            state = states.get(stream.place.topic)
            if stream.position is None or state is None or state.topic_id == stream.position.key.topic_id:
                continue
            old = stream.position.key.topic_id
            self.stop(
                stream,
                TopicRecreated(
                    f"the topic {stream.place.topic} was deleted and made again "
                    f"(its id was {old}, now it is {state.topic_id}); to begin anew: "
                    f"manage.py topics accept {stream.target.name}"
                ),
                now_s=now_s,
            )

    def _hold_idle(self, place: TopicPartition) -> None:
        """Pause a partition that no claimed stream reads."""
        if place in self._assigned and not self.at(place):
            self._broker.pause([place])

    def _show(self, target: Target) -> None:
        stopped = [stream for stream in self if stream.trouble and stream.target.name == target.name]
        show_stopped(target.name, len(stopped))


def _lost(stream: Stream, wanted: int, held: str = "") -> str:
    return (
        f"offset {wanted} of {stream.place} is the next to be stored and Kafka no longer has it{held}; "
        f"to go on with what it has: manage.py topics accept {stream.target.name}"
    )
