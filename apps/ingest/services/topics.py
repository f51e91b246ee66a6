"""Topics as contracts ask for them: made where they are missing, and accepted as they are now."""

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
    """Topics that can also be made."""

    def make(self, name: str, spec: TopicSpec, *, replication_factor: int) -> None:
        """Make a topic. Raises BrokerRefused, BrokerUnavailable."""


class EnsureOutcome(StrEnum):
    """How a topic was found."""

    MADE = "made"
    PRESENT = "present"
    FEWER = "present with fewer partitions than asked"


@dataclass(frozen=True, slots=True)
class TopicEnsureResult:
    """What became of one topic."""

    topic: str
    datasets: tuple[str, ...]
    partitions: int
    outcome: EnsureOutcome


def topics_ensure(
    datasets: Sequence[AppliedDataset], topics: TopicCreator, *, replication_factor: int
) -> Iterator[TopicEnsureResult]:
    """Each topic of the datasets, made where it is missing; one that is there is never changed.

    Raises BrokerUnavailable. Raises TopicRefused, when all the others are done: Kafka refuses some of them.
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
                refused[topic] = f"the topic {topic} was not made: {error}"
                continue
        names = tuple(dataset.name for dataset in readers)
        count = len(state.partitions) if state else spec.partitions
        yield TopicEnsureResult(topic, names, count, _outcome(state, spec))
    if refused:
        raise TopicRefused("; ".join(refused.values()))


def _outcome(state: TopicState | None, spec: TopicSpec) -> EnsureOutcome:
    if state is None:
        return EnsureOutcome.MADE
    return EnsureOutcome.FEWER if len(state.partitions) < spec.partitions else EnsureOutcome.PRESENT


def topic_accept(dataset: AppliedDataset, topics: TopicAdmin, consumer: GroupConsumer) -> list[str]:
    """Let the dataset go on with its topic as it is now, and say what changed, one line a partition.

    A topic that was made again gets positions at its beginning; a log that was cut is read again from the cut; a
    position that retention overtook moves to the first offset that is there. Rows that stand already stay.
    Raises TopicMissing, TopicRefused, BrokerUnavailable.
    """
    name = dataset.contract.topic
    seen = topics.states([name]).for_reader()
    if name in seen.refused:
        raise TopicRefused(seen.refused[name])
    state = seen.found.get(name)
    if state is None:
        raise TopicMissing(missing_line(name))
    places = {TopicPartition(name, partition) for partition in state.partitions if partition not in state.leaderless}
    ranges = topics.offsets(places)
    lost = positions_lost(consumer, _stored(dataset, state, ranges.found))
    silent = [f"{name}/{partition}: has no leader, and stays as it is" for partition in sorted(state.leaderless)]
    with transaction.atomic():
        accepted = list(_accept_partitions(dataset, state, ranges.found, lost))
    return [*accepted, *silent, *ranges.errors.values()]


def _stored(
    dataset: AppliedDataset, state: TopicState, ranges: Mapping[TopicPartition, OffsetRange]
) -> dict[TopicPartition, OffsetAndEpoch]:
    """The positions in this life of the topic that Kafka can vouch for."""
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
    """What Kafka says of those positions from which nobody can read on. The consumer is used up.

    Raises BrokerUnavailable: it says nothing of one of them.
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
    raise BrokerUnavailable(f"Kafka does not answer for {names}: {consumer.last_error() or 'try again'}")


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
        said = lost.get(place, "")
        if made:
            yield f"{place}: begins at offset {held.first} of the topic's new life"
        elif is_truncation(said) or source.next_offset > held.end:
            yield _accept_cut(source, held, truncation_end(said))
        elif source.next_offset < held.first:
            yield f"{place}: moves from offset {source.next_offset} to {held.first}"
            source.next_offset, source.leader_epoch = held.first, None
            # A new epoch: a worker that still believes in the old position cannot commit.
            source.epoch += 1
            source.save(update_fields=["next_offset", "leader_epoch", "epoch"])


def _accept_cut(source: Source, held: OffsetRange, cut: int | None) -> str:
    """Read on from where the log was cut, as a source of its own: its offsets stand beside rows already."""
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
        return f"{place}: reads from offset {begin} on, where the log was cut; {source.next_offset} was next before"
    return (
        f"{place}: reads from offset {begin} on; where the log was cut is unknown, so that what was written anew "
        f"before {begin} is not read"
    )
