"""Sends records to Kafka, each once and at the offset that the plan says."""

from collections.abc import Mapping
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from apps.ingest.core.errors import BrokerUnavailable
from apps.ingest.demo.errors import ForeignRecords, reason_of
from apps.ingest.demo.plan import PlannedRecord

SETTINGS: Final = {
    "enable.idempotence": True,
    "linger.ms": 20,
    "compression.type": "lz4",
    # A broker that is away is waited for: a record given up would leave a hole in the sequence.
    "message.timeout.ms": 0,
    "queue.buffering.max.messages": 20_000,
}


class DemoProducer:
    """An idempotent producer that notices when a record does not land where it should.

    TableRecords carry the time of sending, not of the flight: Kafka would drop those of 2013 at once for their age.
    """

    def __init__(self, client: Mapping[str, Any]) -> None:
        self.servers = str(client["bootstrap.servers"])
        self.acknowledged = 0
        self.away = ""
        self._failure: Exception | None = None
        self._producer = Producer({**client, **SETTINGS, "error_cb": self._trouble})

    def send(self, topic: str, slot: PlannedRecord, value: bytes) -> None:
        """Queue one record; waits while the queue is full. Raises IngestError."""
        while True:
            try:
                self._producer.produce(
                    topic,
                    value=value,
                    key=slot.key,
                    partition=slot.partition,
                    on_delivery=_Landing(self, slot.offset),
                )
            except BufferError:
                self.serve(0.2)
            except KafkaException as exc:
                raise self._failure or BrokerUnavailable(f"Kafka at {self.servers}: {reason_of(exc)}") from exc
            else:
                return

    def serve(self, wait_s: float) -> int:
        """Hear what the broker says for up to this long; how many records are still on their way."""
        self._producer.poll(wait_s)
        if self._failure:
            raise self._failure
        return len(self._producer)

    def landed(self, error: KafkaError | None, message: Message, offset: int) -> None:
        """Note that the record meant for this offset was stored, or was not."""
        if error is not None:
            self._failure = BrokerUnavailable(f"Kafka at {self.servers} refuses a record: {error.str()}")
        elif message.offset() != offset:
            self._failure = ForeignRecords(
                f"topic {message.topic()}, partition {message.partition()}: a record landed at offset "
                f"{message.offset()} instead of {offset}, so somebody else writes there too; stop it, "
                "drop the topic and run manage.py topics ensure"
            )
        else:
            self.acknowledged += 1
            self.away = ""

    def _trouble(self, error: KafkaError) -> None:
        if error.fatal():
            self._failure = BrokerUnavailable(f"Kafka at {self.servers}: {error.str()}")
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - librdkafka's own name
            self.away = f"waiting for Kafka at {self.servers}"


class _Landing:
    """A delivery callback that remembers which offset its record was meant for."""

    __slots__ = ("_offset", "_sender")

    def __init__(self, sender: DemoProducer, offset: int) -> None:
        self._sender = sender
        self._offset = offset

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        self._sender.landed(error, message, self._offset)
