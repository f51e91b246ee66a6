"""What a worker requires of Kafka: the same cases for the fake, the mock cluster and a real broker."""

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from apps.ingest.core.ports import GroupConsumer
from apps.ingest.core.records import ConsumerRecord, OffsetAndEpoch, PollResult, TopicPartition, TopicStates
from apps.ingest.core.truncation import is_truncation
from tests.contract.ingest.kafkas import AnyKafka, InMemory, OverTheWire, mock_cluster

PATIENCE_POLLS = 300
NOW_MS = time.time_ns() // 1_000_000
"""Retention would delete older records immediately."""


@pytest.fixture(params=["memory", "mock", "real"])
def kafka(request: pytest.FixtureRequest) -> Iterator[AnyKafka]:
    if request.param == "memory":
        yield InMemory()
    elif request.param == "mock":
        yield from mock_cluster()
    else:
        yield OverTheWire(request.getfixturevalue("kafka_server").bootstrap)


@dataclass
class Holder:
    """Pauses assigned partitions and records revoked ones."""

    consumer: GroupConsumer
    held: list[TopicPartition] = field(default_factory=list)
    revoked: list[TopicPartition] = field(default_factory=list)

    def on_assign(self, partitions: Sequence[TopicPartition]) -> None:
        self.consumer.assign_paused(partitions)
        self.held += partitions

    def on_revoke(self, partitions: Sequence[TopicPartition]) -> None:
        self.revoked += partitions


def fill(kafka: AnyKafka, place: TopicPartition, count: int, size: int = 10) -> None:
    for number in range(count):
        kafka.send(
            place,
            str(number).encode().ljust(size),
            key=b"k%d" % number,
            stamp_ms=NOW_MS + number,
            headers=[("h", b"\xff"), ("h", None)],
        )
    if isinstance(kafka, OverTheWire):
        kafka.flush()


def joined(kafka: AnyKafka, topic: str, places: int) -> tuple[GroupConsumer, Holder]:
    consumer = kafka.member()
    holder = Holder(consumer)
    consumer.subscribe([topic], holder)
    for _ in range(PATIENCE_POLLS):
        arrivals = consumer.poll(100, 0.05)
        assert arrivals.count == 0
        if len(holder.held) == places:
            return consumer, holder
    raise AssertionError("nothing was assigned")


def read(consumer: GroupConsumer, count: int) -> list[ConsumerRecord]:
    found: list[ConsumerRecord] = []
    for _ in range(PATIENCE_POLLS):
        for records in consumer.poll(max(1, count - len(found)), 0.05).records.values():
            found += records
        if len(found) >= count:
            return found
    raise AssertionError(f"only {len(found)} of {count} records came")


def until(consumer: GroupConsumer, wanted: str) -> PollResult:
    for _ in range(PATIENCE_POLLS):
        arrivals = consumer.poll(100, 0.05)
        if getattr(arrivals, wanted):
            return arrivals
    raise AssertionError(f"no {wanted}")


@dataclass(frozen=True)
class Made:
    """A new topic: its first partition and its number of partitions."""

    place: TopicPartition
    partitions: int


@pytest.fixture
def made(kafka: AnyKafka) -> Made:
    topic = f"t-{uuid.uuid4()}"
    return Made(TopicPartition(topic, 0), kafka.make(topic, 1))


def test_records_arrive_complete_and_in_order_from_the_sought_offset_to_the_end(kafka: AnyKafka, made: Made) -> None:
    place = made.place
    fill(kafka, place, 30)
    consumer, _ = joined(kafka, place.topic, made.partitions)
    consumer.seek({place: OffsetAndEpoch(10)})
    records = read(consumer, 20)
    assert [record.offset() for record in records] == list(range(10, 30))
    first = records[0]
    assert (first.topic(), first.partition()) == place
    assert (first.key(), first.value()) == (b"k10", b"10        ")
    assert first.timestamp()[1] == NOW_MS + 10
    assert list(first.headers() or ()) == [("h", b"\xff"), ("h", None)]
    assert until(consumer, "ended").ended == {place: 30}
    fill(kafka, place, 1)
    assert [record.offset() for record in read(consumer, 1)] == [30]
    consumer.close()


def test_paused_partitions_return_no_records_until_seek(kafka: AnyKafka, made: Made) -> None:
    place = made.place
    fill(kafka, place, 50)
    consumer, _ = joined(kafka, place.topic, made.partitions)
    assert sum(consumer.poll(10, 0.05).count for _ in range(10)) == 0
    consumer.seek({place: OffsetAndEpoch(0)})
    assert len(read(consumer, 5)) >= 5
    consumer.pause([place])
    assert sum(consumer.poll(10, 0.05).count for _ in range(10)) == 0
    consumer.seek({place: OffsetAndEpoch(7)})
    assert read(consumer, 1)[0].offset() == 7
    consumer.close()


def test_a_seek_back_during_reading_returns_the_sought_offset_next_and_nothing_stale(
    kafka: AnyKafka, made: Made
) -> None:
    place = made.place
    fill(kafka, place, 4_000, size=100)
    consumer, _ = joined(kafka, place.topic, made.partitions)
    consumer.seek({place: OffsetAndEpoch(0)})
    for back in (0, 500, 3, 1_234):
        read(consumer, 100)
        consumer.seek({place: OffsetAndEpoch(back)})
        assert [record.offset() for record in read(consumer, 300)][:300] == list(range(back, back + 300))
    consumer.close()


def test_an_offset_that_kafka_no_longer_has_is_reported_lost_and_never_reset(kafka: AnyKafka, made: Made) -> None:
    place = made.place
    fill(kafka, place, 5)
    consumer, _ = joined(kafka, place.topic, made.partitions)
    consumer.seek({place: OffsetAndEpoch(100)})
    assert until(consumer, "lost").lost.keys() == {place}
    assert sum(consumer.poll(10, 0.05).count for _ in range(10)) == 0
    consumer.close()


@pytest.mark.parametrize("kafka", ["memory", "real"], indirect=True)
def test_a_log_without_the_leader_epoch_is_reported_as_truncated(kafka: AnyKafka, made: Made) -> None:
    place = made.place
    fill(kafka, place, 30)
    consumer, _ = joined(kafka, place.topic, made.partitions)
    for sound in (OffsetAndEpoch(10, 0), OffsetAndEpoch(30, 0), OffsetAndEpoch(10)):
        consumer.seek({place: sound})
        assert not consumer.poll(1, 1).lost
    assert kafka.topics.offsets([place]).found[place] == (0, 30, 0)
    if isinstance(kafka, InMemory):
        kafka.kafka.truncate(place, 5)
        consumer.seek({place: OffsetAndEpoch(10, 0)})
    else:
        consumer.seek({place: OffsetAndEpoch(10, 99)})
    assert is_truncation(until(consumer, "lost").lost[place])
    consumer.close()


@pytest.mark.parametrize("kafka", ["memory", "real"], indirect=True)
def test_the_members_of_the_group_have_their_client_ids(kafka: AnyKafka, made: Made) -> None:
    assert list(kafka.group.members()) == []
    consumer, _ = joined(kafka, made.place.topic, made.partitions)
    assert [member.client_id for member in kafka.group.members()] == ["anden"]
    consumer.close()
    assert list(kafka.group.members()) == []


@pytest.mark.parametrize("kafka", ["memory", "real"], indirect=True)
def test_a_second_member_takes_its_share_and_returns_it(kafka: AnyKafka) -> None:
    topic = f"t-{uuid.uuid4()}"
    places = kafka.make(topic, 2)
    one, first = joined(kafka, topic, places)
    two = kafka.member()
    second = Holder(two)
    two.subscribe([topic], second)
    for _ in range(PATIENCE_POLLS):
        one.poll(1, 0.05)
        two.poll(1, 0.05)
        if second.held and set(first.revoked) == set(second.held):
            break
    assert second.held
    assert set(first.revoked) == set(second.held)
    two.close()
    assert set(second.revoked) == set(second.held)
    one.close()


def test_partitions_have_a_first_and_an_end_offset(kafka: AnyKafka, made: Made) -> None:
    fill(kafka, made.place, 3)
    assert kafka.topics.offsets([made.place]).found[made.place][:2] == (0, 3)


@pytest.mark.parametrize("kafka", ["memory", "real"], indirect=True)
def test_topics_have_an_id_and_partitions_or_are_missing(kafka: AnyKafka, made: Made) -> None:
    state = kafka.topics.states([made.place.topic]).found[made.place.topic]
    assert state.topic_id
    assert state.partitions == (0,)
    assert kafka.topics.states([]) == kafka.topics.states(["no-such-topic"]) == TopicStates()
