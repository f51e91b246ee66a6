"""Grouping records by topic and partition, whatever is subscribed."""

from typing import Any

import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from apps.ingest.adapters.kafka_consumer import grouped
from apps.ingest.core.records import TopicPartition


def message(topic: str, partition: int, offset: int) -> Message:
    make: Any = Message  # the stub has no arguments
    made: Message = make(topic=topic, partition=partition, offset=offset, value=b"{}")
    return made


@pytest.mark.parametrize(
    "places",
    [
        [("a", 0), ("a", 0), ("b", 0)],
        [("b", 0), ("a", 0), ("a", 0)],
        [("a", 0), ("b", 0), ("a", 0)],
        [("a", 1), ("b", 0), ("b", 1), ("a", 1)],
        [],
    ],
)
def test_the_last_records_of_an_unsubscribed_topic_stay_separate(places: list[tuple[str, int]]) -> None:
    """After the subscription shrinks to `a`, prefetched records of `b` still arrive."""
    groups = grouped([message(topic, partition, number) for number, (topic, partition) in enumerate(places)])
    for place, records in groups.items():
        assert {(record.topic(), record.partition()) for record in records} == {place}
    assert groups.keys() == set(places)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2))))
def test_every_record_is_in_its_own_group_once_and_in_order(places: list[tuple[str, int]]) -> None:
    groups = grouped([message(topic, partition, number) for number, (topic, partition) in enumerate(places)])
    wanted: dict[TopicPartition, list[int]] = {}
    for number, place in enumerate(places):
        wanted.setdefault(TopicPartition(*place), []).append(number)
    assert {place: [record.offset() for record in records] for place, records in groups.items()} == wanted
