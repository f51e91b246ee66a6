"""Create the topics that contracts ask for, and accept topics that have changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from django.db import transaction

from apps.datasets.core.contract.contract import TopicSpec
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.ingest.core.errors import BrokerRefused, BrokerUnavailable, TopicMissing, TopicRefused, missing_line
from apps.ingest.core.ports import GroupConsumer, TopicAdmin
from apps.ingest.core.records import OffsetAndEpoch, OffsetRange, TopicPartition, TopicState
from apps.ingest.core.truncation import is_truncation, truncation_end
from apps.ingest.models import Source

POLLS: Final = 100
POLL_S: Final = 0.1


class TopicCreator(TopicAdmin, Protocol):
    """A topic admin that can also create topics."""

    def make(self, name: str, spec: TopicSpec, *, replication_factor: int) -> None:
        """Create a topic. Raises BrokerRefused, BrokerUnavailable."""


class EnsureOutcome(StrEnum):
    """The result for one topic."""

    CREATED = "created"
    EXISTS = "exists"
    FEWER = "exists with fewer partitions than requested"


@dataclass(frozen=True, slots=True)
class TopicEnsureResult:
    """One topic and what was done about it."""

    topic: str
    datasets: tuple[str, ...]
    partitions: int
    outcome: EnsureOutcome


def topics_ensure(
    datasets: Sequence[AppliedDataset], topics: TopicCreator, *, replication_factor: int
) -> Iterator[TopicEnsureResult]:
    """Each topic of the datasets, created if missing; existing topics are never changed.

    Raises BrokerUnavailable. Raises TopicRefused after all others are done: Kafka refuses some topics.
    """
    wanted: dict[str, list[AppliedDataset]] = {}
    for dataset in datasets:
        wanted.setdefault(dataset.contract.topic, []).append(dataset)
    present = topics.states(wanted.keys())
    refused = dict(present.refused)
    for topic, readers in sorted(wanted.items()):
        if topic in refused:
            continue
        spec = max((dataset.contract.topic_spec for dataset in readers), key=lambda spec: spec.partitions)
        state = present.found.get(topic)
        if state is None:
            try:
                topics.make(topic, spec, replication_factor=replication_factor)
            except BrokerRefused as error:
                refused[topic] = f"the topic {topic} was not created: {error}"
                continue
        names = tuple(dataset.name for dataset in readers)
        count = len(state.partitions) if state else spec.partitions
        yield TopicEnsureResult(topic, names, count, _outcome(state, spec))
    if refused:
        raise TopicRefused("; ".join(refused.values()))


def _outcome(state: TopicState | None, spec: TopicSpec) -> EnsureOutcome:
    if state is None:
        return EnsureOutcome.CREATED
    return EnsureOutcome.FEWER if len(state.partitions) < spec.partitions else EnsureOutcome.EXISTS


def topic_accept(dataset: AppliedDataset, topics: TopicAdmin, consumer: GroupConsumer) -> list[str]:
    """Resume the dataset with its topic as it is now; return one line per changed partition.

    A recreated topic gets positions at its first offsets. A truncated log is read again from the cut. A position that
    retention overtook moves to the first available offset. Existing rows stay.
    Raises TopicMissing, TopicRefused, BrokerUnavailable.
    """
    name = dataset.contract.topic
    states = topics.states([name]).for_reader()
    if name in states.refused:
        raise TopicRefused(states.refused[name])
    state = states.found.get(name)
    if state is None:
        raise TopicMissing(missing_line(name))
    partitions = {
        TopicPartition(name, partition) for partition in state.partitions if partition not in state.leaderless
    }
    ranges = topics.offsets(partitions)
    lost = positions_lost(consumer, _stored(dataset, state, ranges.found))
    silent = [f"{name}/{partition}: has no leader; unchanged" for partition in sorted(state.leaderless)]
    with transaction.atomic():
        accepted = list(_accept_partitions(dataset, state, ranges.found, lost))
    return [*accepted, *silent, *ranges.errors.values()]


def _stored(
    dataset: AppliedDataset, state: TopicState, ranges: Mapping[TopicPartition, OffsetRange]
) -> dict[TopicPartition, OffsetAndEpoch]:
    """The positions under the topic's current id that Kafka can verify."""
    sources = Source.objects.filter(
        dataset_id=dataset.id, topic=dataset.contract.topic, topic_id=state.topic_id, leader_epoch__isnull=False
    )
    positions = {
        TopicPartition(source.topic, source.partition): OffsetAndEpoch(source.next_offset, source.leader_epoch)
        for source in sources
    }
    return {place: position for place, position in positions.items() if place in ranges}


def positions_lost(
    consumer: GroupConsumer, positions: Mapping[TopicPartition, OffsetAndEpoch]
) -> dict[TopicPartition, str]:
    """Kafka's errors on positions from which reading cannot resume. Closes the consumer.

    Raises BrokerUnavailable: it did not report on one of them.
    """
    waiting, lost = set(positions), dict[TopicPartition, str]()
    try:
        consumer.assign(positions)
        for _ in range(POLLS):
            if not waiting:
                return lost
            arrivals = consumer.poll(1_000, POLL_S)
            lost |= arrivals.lost
            waiting -= arrivals.records.keys() | arrivals.ended.keys() | arrivals.lost.keys()
    finally:
        consumer.close()
    names = ", ".join(map(str, sorted(waiting)))
    raise BrokerUnavailable(f"Kafka does not respond for {names}: {consumer.last_error() or 'try again'}")


def _accept_partitions(
    dataset: AppliedDataset,
    state: TopicState,
    ranges: Mapping[TopicPartition, OffsetRange],
    lost: Mapping[TopicPartition, str],
) -> Iterator[str]:
    for place, held in sorted(ranges.items()):
        source, made = Source.objects.select_for_update().get_or_create(
            dataset_id=dataset.id,
            topic=place.topic,
            topic_id=state.topic_id,
            partition=place.partition,
            defaults={"next_offset": held.first},
        )
        error = lost.get(place, "")
        if made:
            yield f"{place}: starts at offset {held.first} of the new topic"
        elif is_truncation(error) or source.next_offset > held.end:
            yield _accept_cut(source, held, truncation_end(error))
        elif source.next_offset < held.first:
            yield f"{place}: moves from offset {source.next_offset} to {held.first}"
            source.next_offset, source.leader_epoch = held.first, None
            # A new epoch, so that a worker with the old position cannot commit.
            source.epoch += 1
            source.save(update_fields=["next_offset", "leader_epoch", "epoch"])


def _accept_cut(source: Source, held: OffsetRange, cut: int | None) -> str:
    """Resume from the cut as a new source, since rows with its offsets already exist."""
    place = f"{source.topic}/{source.partition}"
    known, topic_id = cut is not None, source.topic_id
    begin = min(max(cut if cut is not None else source.next_offset, held.first), held.end)
    source.topic_id, source.last_error = f"{topic_id}#{source.id}", ""
    source.epoch += 1
    source.save(update_fields=["topic_id", "last_error", "epoch"])
    Source.objects.create(
        dataset_id=source.dataset_id,
        topic=source.topic,
        topic_id=topic_id,
        partition=source.partition,
        next_offset=begin,
        leader_epoch=source.leader_epoch if cut == begin else None,
    )
    if known:
        return f"{place}: resumes at offset {begin}, where the log was cut; the next offset was {source.next_offset}"
    return (
        f"{place}: resumes at offset {begin}; the place of the cut is unknown, so records written again "
        f"before {begin} are not read"
    )
