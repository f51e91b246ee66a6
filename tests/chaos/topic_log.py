"""The committed records of a topic, as a plain consumer reads them."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

PATIENCE_S: Final = 30.0
POLL_S: Final = 0.05
CHUNK: Final = 2_000


class SentRecord(NamedTuple):
    """A record in Kafka's log."""

    timestamp_ms: int
    key: bytes | None
    value: bytes | None


@dataclass(slots=True)
class PartitionLog:
    """A partition's committed records by offset; `first` and `end` as in Kafka, `end` after transaction markers."""

    first: int = 0
    end: int = 0
    records: dict[int, SentRecord] = field(default_factory=dict)


def topic_read(bootstrap: str, topic: str) -> dict[int, PartitionLog]:
    """Every committed record of the topic that Kafka still has, by partition.

    Raises KafkaException, TimeoutError: Kafka does not answer.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"audit-{uuid.uuid4()}",
            "isolation.level": "read_committed",
            "auto.offset.reset": "error",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.queue.backoff.ms": 10,
            "log_level": 3,
        }
    )
    try:
        found = consumer.list_topics(topic, timeout=10).topics[topic]
        if found.error is not None:
            raise KafkaException(found.error)
        logs = {number: _bounds(consumer, topic, number) for number in found.partitions}
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in logs])
        _fill(consumer, logs)
    finally:
        consumer.close()
    return logs


def _bounds(consumer: Consumer, topic: str, number: int) -> PartitionLog:
    bounds: Any = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
    return PartitionLog(*bounds)


def _fill(consumer: Consumer, logs: dict[int, PartitionLog]) -> None:
    """Read until the end of every partition."""
    waiting, last_s = set(logs), time.monotonic()
    while waiting:
        messages = consumer.consume(CHUNK, POLL_S)
        if messages:
            last_s = time.monotonic()
        elif time.monotonic() - last_s > PATIENCE_S:
            raise TimeoutError(f"Kafka did not reach the end of the partitions {sorted(waiting)}")
        for message in messages:
            number, offset, error = message.partition(), message.offset(), message.error()
            if error is None:
                key: Any = message.key()
                value: Any = message.value()
                logs[number or 0].records[offset or 0] = SentRecord(message.timestamp()[1], key, value)
            elif error.code() == KafkaError._PARTITION_EOF:
                logs[number or 0].end = offset or 0
                waiting.discard(number or 0)
            else:
                raise KafkaException(error)
