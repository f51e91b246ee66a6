"""One topic as the demo sees it: how many records each partition holds, and the last of each."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from apps.ingest.core.errors import BrokerUnavailable, TopicMissing
from apps.ingest.demo.errors import error_of, reason_of

ANSWER_WITHIN_S: Final = 6.0
SETTLE_S: Final = 0.5
NOT_YET: Final = frozenset({KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE})


class TopicView:
    """Reads what the topics hold, without a consumer group."""

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
        """Let go of the broker."""
        self._consumer.close()

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has. Raises BrokerUnavailable, TopicMissing."""
        found = self._ask(lambda: self._consumer.list_topics(topic, timeout=ANSWER_WITHIN_S)).topics[topic]
        if not found.partitions:
            raise TopicMissing(f"topic {topic} is not there on {self.servers}: run manage.py topics ensure")
        return len(found.partitions)

    def held(self, topic: str, partitions: int) -> Sequence[int]:
        """How many records were ever sent to each partition.

        Looks until two looks agree: what a killed run had on its way may still be arriving.
        """
        before = self.ends(topic, partitions)
        while True:
            time.sleep(SETTLE_S)
            after = self.ends(topic, partitions)
            if after == before:
                return after
            before = after

    def tails(self, topic: str, held: Sequence[int]) -> Mapping[int, bytes | None]:
        """The last value of each partition that holds one still."""
        places = [
            TopicPartition(topic, partition, end - 1)
            for partition, end in enumerate(held)
            if end > self._watermarks(topic, partition)[0]
        ]
        found: dict[int, bytes | None] = {}
        self._consumer.assign(places)
        deadline = time.monotonic() + ANSWER_WITHIN_S
        while len(found) < len(places) and time.monotonic() < deadline:
            for message in self._consumer.consume(1, timeout=0.2):
                partition = message.partition()
                if message.error() is None and partition is not None:
                    found.setdefault(partition, message.value())
        self._consumer.unassign()
        if len(found) < len(places):
            raise BrokerUnavailable(f"Kafka at {self.servers} does not hand out the last records of topic {topic}")
        return found

    def ends(self, topic: str, partitions: int) -> list[int]:
        """The end offset of each partition now."""
        return [self._watermarks(topic, partition)[1] for partition in range(partitions)]

    def _watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        place = TopicPartition(topic, partition)
        low, high = self._ask(
            lambda: self._consumer.get_watermark_offsets(place, timeout=ANSWER_WITHIN_S, cached=False)
        )
        return low, high

    def _ask(self, question: Callable[[], Any]) -> Any:
        """The answer; a partition made a moment ago may have no leader yet, so it is asked again for a while."""
        deadline = time.monotonic() + ANSWER_WITHIN_S
        while True:
            try:
                return question()
            except KafkaException as exc:
                if error_of(exc).code() in NOT_YET and time.monotonic() < deadline:
                    time.sleep(0.1)
                    continue
                raise BrokerUnavailable(
                    f"Kafka at {self.servers} does not answer ({reason_of(exc)}): "
                    "start it, or mend ANDEN_KAFKA_BOOTSTRAP_SERVERS"
                ) from exc
