"""Common consumer loops. Each returns its rate in rows per second, from the first message on."""

import json
import time
from collections.abc import Iterator
from typing import Any, Final

from confluent_kafka import Consumer, Message, TopicPartition

from bench.flights import NAME, PARTITIONS
from bench.stock.models import Flight

ALIAS: Final = "ingest"
BULK: Final = 1_000


def create_rate(bootstrap: str, *, count: int) -> float:
    """Poll one message, json.loads, Model.objects.create; commit each."""
    messages = _messages(bootstrap)
    first = next(messages)
    started = time.perf_counter()
    for _ in range(count):
        Flight.objects.using(ALIAS).create(**_fields(first))
        first = next(messages)
    return count / (time.perf_counter() - started)


def bulk_rate(bootstrap: str, *, count: int) -> float:
    """Poll one message, json.loads, bulk_create every thousand; commit each batch."""
    messages = _messages(bootstrap)
    message = next(messages)
    started = time.perf_counter()
    for _ in range(count // BULK):
        rows = []
        for _ in range(BULK):
            rows.append(Flight(**_fields(message)))
            message = next(messages)
        Flight.objects.using(ALIAS).bulk_create(rows)
    return count / (time.perf_counter() - started)


def _messages(bootstrap: str) -> Iterator[Message]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "loop", "enable.auto.commit": False})
    consumer.assign([TopicPartition(NAME, partition, 0) for partition in range(PARTITIONS)])
    try:
        while True:
            message = consumer.poll(1.0)
            if message is not None and message.error() is None:
                yield message
    finally:
        consumer.close()


def _fields(message: Message) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(message.value() or b"")
    return {**record, "source": (message.partition() or 0) + 1, "offset": message.offset(), "batch": 1}
