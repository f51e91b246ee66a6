"""Read the demo's topics: how many records each partition holds, and its last record."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from apps.ingest.core.errors import BrokerUnavailable, TopicMissing
from apps.ingest.demo.errors import error_of, reason_of

TIMEOUT_S: Final = 6.0
SETTLE_S: Final = 0.5
NOT_YET: Final = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})


class TopicView:
    """Reads topics without a consumer group."""

    def __init__(self, client: Mapping[str, Any]) -> None:
        self.servers = str(client["bootstrap.servers"])
        self._consumer = Consumer(
            {
                **client,
                "group.id": "anden-demo",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
            }
        )

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has. Raises BrokerUnavailable, TopicMissing."""
        found = self._retry(lambda: self._consumer.list_topics(topic, timeout=TIMEOUT_S)).topics[topic]
        if not found.partitions:
            raise TopicMissing(f"Kafka at {self.servers} has no topic {topic}: run manage.py topics ensure")
        return len(found.partitions)

    def held(self, topic: str, partitions: int) -> Sequence[int]:
        """How many records were ever sent to each partition.

        Polls until two results agree, because records of a killed run may still arrive.
        """
        before = self.ends(topic, partitions)
        while True:
            time.sleep(SETTLE_S)
            after = self.ends(topic, partitions)
            if after == before:
                return after
            before = after

    def tails(self, topic: str, held: Sequence[int]) -> Mapping[int, bytes | None]:
        """The last value of each partition that still holds a record."""
        partitions_at_end = [
            TopicPartition(topic, partition, end - 1)
            for partition, end in enumerate(held)
            if end > self._watermarks(topic, partition)[0]
        ]
        found: dict[int, bytes | None] = {}
        self._consumer.assign(partitions_at_end)
        deadline = time.monotonic() + TIMEOUT_S
        while len(found) < len(partitions_at_end) and time.monotonic() < deadline:
            for message in self._consumer.consume(1, timeout=0.2):
                partition = message.partition()
                if message.error() is None and partition is not None:
                    found.setdefault(partition, message.value())
        self._consumer.unassign()
        if len(found) < len(partitions_at_end):
            raise BrokerUnavailable(f"Kafka at {self.servers} did not return the last records of topic {topic}")
        return found

    def ends(self, topic: str, partitions: int) -> list[int]:
        """The current end offset of each partition."""
        return [self._watermarks(topic, partition)[1] for partition in range(partitions)]

    def _watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        topic_partition = TopicPartition(topic, partition)
        low, high = self._retry(
            lambda: self._consumer.get_watermark_offsets(topic_partition, timeout=TIMEOUT_S, cached=False)
        )
        return low, high

    def _retry(self, request: Callable[[], Any]) -> Any:
        """The result; retries for a while, because a new partition may have no leader yet."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            try:
                return request()
            except KafkaException as exc:
                if error_of(exc).code() in NOT_YET and time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                raise BrokerUnavailable(
                    f"Kafka at {self.servers} does not respond ({reason_of(exc)}): "
                    "start it, or fix ANDEN_KAFKA_BOOTSTRAP_SERVERS"
                ) from exc
