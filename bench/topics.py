"""Topics of a run, and a producer that fills them as fast as possible."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

FLUSH_S = 60.0


class OutgoingRecord(NamedTuple):
    """A record and its place."""

    topic: str
    partition: int
    value: bytes
    key: bytes | None = None


def topics_make(bootstrap: str, names: Collection[str], *, partitions: int = 1) -> None:
    """Create these topics."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})
    for created in admin.create_topics([NewTopic(name, partitions, 1) for name in names]).values():
        created.result(FLUSH_S)


def producer_make(bootstrap: str, **more: object) -> Producer:
    """An idempotent producer; keywords are its other settings."""
    base = {"bootstrap.servers": bootstrap, "linger.ms": 20, "enable.idempotence": True, "log_level": 3}
    return Producer(base | {name.replace("_", "."): value for name, value in more.items()})


def produce(producer: Producer, record: OutgoingRecord) -> None:
    """Hand the record to the producer; waits while its queue is full."""
    while True:
        try:
            producer.produce(record.topic, record.value, record.key, record.partition)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def flush(producer: Producer) -> None:
    """Wait until Kafka has every record. Raises TimeoutError."""
    if producer.flush(FLUSH_S):
        raise TimeoutError("Kafka did not take the records within a minute")


def fill(bootstrap: str, records: Iterable[OutgoingRecord]) -> None:
    """Send all of these records."""
    producer = producer_make(bootstrap)
    for record in records:
        produce(producer, record)
    flush(producer)
