"""Topics as contracts ask for them: made where they are missing, and accepted as they are now."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from django.db import transaction

from apps.datasets.core.applied import AppliedDataset
from apps.datasets.core.contract import TopicSpec
from apps.ingest.core.errors import TopicMissing
from apps.ingest.core.ports import Topics
from apps.ingest.core.records import TopicPartition, TopicState
from apps.ingest.models import Source


class TopicMaker(Topics, Protocol):
    """Topics that can also be made."""

    def make(self, name: str, spec: TopicSpec, *, replication_factor: int) -> None:
        """Make a topic. Raises BrokerRefused, BrokerUnavailable."""


class Found(StrEnum):
    """How a topic was found."""

    MADE = "made"
    PRESENT = "present"
    FEWER = "present with fewer partitions than asked"


@dataclass(frozen=True, slots=True)
class Ensured:
    """What became of one topic."""

    topic: str
    datasets: tuple[str, ...]
    partitions: int
    found: Found


def topics_ensure(
    datasets: Sequence[AppliedDataset], topics: TopicMaker, *, replication_factor: int
) -> Iterator[Ensured]:
    """Each topic of the datasets, made where it is missing; one that is there is never changed.

    Raises BrokerUnavailable, BrokerRefused.
    """
    wanted: dict[str, list[AppliedDataset]] = {}
    for dataset in datasets:
        wanted.setdefault(dataset.contract.topic, []).append(dataset)
    present = topics.states(wanted.keys())
    for topic, readers in sorted(wanted.items()):
        spec = max((dataset.contract.topic_spec for dataset in readers), key=lambda spec: spec.partitions)
        state = present.get(topic)
        if state is None:
            topics.make(topic, spec, replication_factor=replication_factor)
        names = tuple(dataset.name for dataset in readers)
        count = len(state.partitions) if state else spec.partitions
        yield Ensured(topic, names, count, _found(state, spec))


def _found(state: TopicState | None, spec: TopicSpec) -> Found:
    if state is None:
        return Found.MADE
    return Found.FEWER if len(state.partitions) < spec.partitions else Found.PRESENT


def topic_accept(dataset: AppliedDataset, topics: Topics) -> list[str]:
    """Let the dataset go on with its topic as it is now, and say what changed, one line a partition.

    A topic that was made again gets positions at its beginning; a position that Kafka no longer holds moves
    to the nearest offset that it does. Rows that stand already stay. Raises TopicMissing, BrokerUnavailable.
    """
    name = dataset.contract.topic
    state = topics.states([name]).get(name)
    if state is None:
        raise TopicMissing(f"Kafka has no topic {name}: make it with `manage.py topics ensure`")
    ranges = topics.offsets({TopicPartition(name, partition) for partition in state.partitions})
    with transaction.atomic():
        return list(_accept_partitions(dataset, state, ranges.items()))


def _accept_partitions(
    dataset: AppliedDataset,
    state: TopicState,
    ranges: Collection[tuple[TopicPartition, tuple[int, int]]],
) -> Iterator[str]:
    for place, (first, end) in sorted(ranges):
        source, made = Source.objects.select_for_update().get_or_create(
            dataset_id=dataset.id,
            topic=place.topic,
            topic_id=state.topic_id,
            partition=place.partition,
            defaults={"next_offset": first},
        )
        nearest = min(max(source.next_offset, first), end)
        if made:
            yield f"{place}: begins at offset {first} of the topic's new life"
        elif nearest != source.next_offset:
            yield f"{place}: moves from offset {source.next_offset} to {nearest}"
            source.next_offset = nearest
            # A new epoch: a worker that still believes in the old position cannot commit.
            source.epoch += 1
            source.save(update_fields=["next_offset", "epoch"])
