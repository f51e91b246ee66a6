"""What lies beyond the last stable offset of partitions, with confluent-kafka."""

import time
from collections.abc import Collection, Mapping
from typing import Any, Final

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaException, Message
from confluent_kafka import TopicPartition as KafkaPartition

from apps.ingest.adapters.kafka_topic_admin import KafkaTopicAdmin
from apps.ingest.core.records import TopicPartition

LOOK_UPS: Final = 100
"""The most records that one call reads."""
PATIENCE_S: Final = 2.0
READING: Final = {
    "isolation.level": "read_uncommitted",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # Kafka returns at least one batch, however small the limit.
    "max.partition.fetch.bytes": 1_024,
    "queued.min.messages": 1,
    "fetch.wait.max.ms": 100,
}


class KafkaPartitionEnds:
    """High watermarks, and the timestamps of single records, read outside any consumer group."""

    def __init__(self, topics: KafkaTopicAdmin, config: Mapping[str, Any]) -> None:
        self._topics = topics
        # The client requires a group id, but joins no group unless it subscribes.
        self._config = {**config, **READING, "group.id": "anden-lag"}

    def high_watermarks(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The end of each partition, open transactions included; without those that fail."""
        return self._topics.high_watermarks(partitions)

    def written_s(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, float]:
        """The timestamp of the record at each offset: of at most LOOK_UPS records, within PATIENCE_S."""
        wanted = dict(sorted(offsets.items())[:LOOK_UPS])
        found: dict[TopicPartition, float] = {}
        if not wanted:
            return found
        try:
            consumer = Consumer(self._config)
        except KafkaException:
            return found
        try:
            consumer.assign([KafkaPartition(*place, offset) for place, offset in wanted.items()])
            give_up_s = time.monotonic() + PATIENCE_S
            while len(found) < len(wanted) and (left_s := give_up_s - time.monotonic()) > 0:
                for message in consumer.consume(len(wanted), min(left_s, 0.1)):
                    found |= _timestamp(message, wanted)
        except KafkaException:
            return found
        finally:
            consumer.close()
        return found


def _timestamp(message: Message, wanted: Mapping[TopicPartition, int]) -> dict[TopicPartition, float]:
    """The record's timestamp, if it is at the wanted offset and has one."""
    place = TopicPartition(message.topic() or "", message.partition() or 0)
    if message.error() is not None or message.offset() != wanted.get(place):
        return {}
    kind, stamp_ms = message.timestamp()
    return {} if kind == TIMESTAMP_NOT_AVAILABLE else {place: stamp_ms / 1_000}
