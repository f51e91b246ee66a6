"""Three Kafkas behind one interface: in memory, librdkafka's mock cluster, and a real broker."""

import uuid
from collections.abc import Iterator
from typing import Protocol

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from apps.datasets.core.contract.contract import TopicSpec
from apps.ingest.adapters.kafka_client import client_config, consumer_config
from apps.ingest.adapters.kafka_consumer import KafkaConsumer
from apps.ingest.adapters.kafka_group import KafkaGroup
from apps.ingest.adapters.kafka_topic_admin import KafkaTopicAdmin
from apps.ingest.conf import KafkaSettings
from apps.ingest.core.ports import ConsumerGroup, GroupConsumer, TopicAdmin
from apps.ingest.core.records import TopicPartition
from tests.fakes.memory_kafka import MemoryConsumer, MemoryGroup, MemoryKafka

Headers = list[tuple[str, bytes | None]]


class AnyKafka(Protocol):
    """The operations on Kafka that the cases need."""

    topics: TopicAdmin
    group: ConsumerGroup

    def make(self, name: str, partitions: int) -> int: ...

    def send(
        self, place: TopicPartition, value: bytes | None, *, key: bytes | None, stamp_ms: int, headers: Headers
    ) -> None: ...

    def member(self) -> GroupConsumer: ...


class InMemory:
    """The fake."""

    def __init__(self) -> None:
        self.kafka = MemoryKafka()
        self.topics: TopicAdmin = self.kafka
        self.group: ConsumerGroup = MemoryGroup(self.kafka)

    def make(self, name: str, partitions: int) -> int:
        self.kafka.make(name, partitions)
        return partitions

    def send(
        self, place: TopicPartition, value: bytes | None, *, key: bytes | None, stamp_ms: int, headers: Headers
    ) -> None:
        self.kafka.send(place, value, key=key, stamp_ms=stamp_ms, headers=tuple(headers))

    def member(self) -> GroupConsumer:
        return MemoryConsumer(self.kafka)


class OverTheWire:
    """A Kafka over the network: the mock cluster or a real broker."""

    def __init__(self, bootstrap: str, *, mock: Producer | None = None) -> None:
        self.settings = KafkaSettings(
            bootstrap_servers=bootstrap, group_id=f"group-{uuid.uuid4()}", session_timeout_ms=6_000
        )
        self.topics: TopicAdmin = KafkaTopicAdmin(client_config(self.settings))
        self.group: ConsumerGroup = KafkaGroup(client_config(self.settings), self.settings.group_id)
        self.mock = mock
        self._producer = mock or Producer({"bootstrap.servers": bootstrap, "linger.ms": 1})

    def make(self, name: str, partitions: int) -> int:
        if self.mock is not None:
            # The mock cluster creates topics on first use and has no controller to describe them.
            admin = AdminClient({"bootstrap.servers": self.settings.bootstrap_servers})
            return len(admin.list_topics(name, timeout=5).topics[name].partitions)
        KafkaTopicAdmin(client_config(self.settings)).make(
            name, TopicSpec(partitions=partitions), replication_factor=1
        )
        return partitions

    def send(
        self, place: TopicPartition, value: bytes | None, *, key: bytes | None, stamp_ms: int, headers: Headers
    ) -> None:
        self._producer.produce(
            place.topic,
            value=value,
            key=key,
            partition=place.partition,
            timestamp=stamp_ms,
            headers=list(headers),  # type: ignore[arg-type] # the stub allows no header without value
        )

    def flush(self) -> None:
        assert self._producer.flush(30) == 0

    def member(self) -> GroupConsumer:
        return KafkaConsumer(consumer_config(self.settings))


def mock_cluster() -> Iterator[OverTheWire]:
    """librdkafka's mock cluster, which lives as long as its producer."""
    producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "", "linger.ms": 1})
    (broker,) = producer.list_topics(timeout=10).brokers.values()
    yield OverTheWire(f"{broker.host}:{broker.port}", mock=producer)
    producer.flush(5)
