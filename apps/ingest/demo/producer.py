"""Send records to Kafka, each once and at its planned offset."""

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
    # Never give up: a dropped record would leave a gap in the sequence.
    "message.timeout.ms": 0,
    "queue.buffering.max.messages": 20_000,
}


class DemoProducer:
    """An idempotent producer that checks the offset of every record.

    Timestamps are the time of sending, not of the flight: retention would delete those of 2013
    immediately.
    """

    def __init__(self, client: Mapping[str, Any]) -> None:
        self.servers = str(client["bootstrap.servers"])
        self.acknowledged = 0
        self.waiting_for = ""
        self._failure: Exception | None = None
        self._producer = Producer({**client, **SETTINGS, "error_cb": self._on_error})

    def send(self, topic: str, record: PlannedRecord, value: bytes) -> None:
        """Queue one record; waits while the queue is full. Raises IngestError."""
        while True:
            try:
                self._producer.produce(
                    topic,
                    value=value,
                    key=record.key,
                    partition=record.partition,
                    on_delivery=_DeliveryCallback(self, record.offset),
                )
            except BufferError:
                self.serve(0.2)
            except KafkaException as exc:
                raise self._failure or BrokerUnavailable(f"Kafka at {self.servers}: {reason_of(exc)}") from exc
            else:
                return

    def serve(self, wait_s: float) -> int:
        """Serve delivery callbacks for up to this long; return the number of outstanding records."""
        self._producer.poll(wait_s)
        if self._failure:
            raise self._failure
        return len(self._producer)

    def delivered(self, error: KafkaError | None, message: Message, offset: int) -> None:
        """Handle the delivery report of the record planned for this offset."""
        if error is not None:
            self._failure = BrokerUnavailable(f"Kafka at {self.servers} rejected a record: {error.str()}")
        elif message.offset() != offset:
            self._failure = ForeignRecords(
                f"topic {message.topic()}, partition {message.partition()}: a record was stored at offset "
                f"{message.offset()} instead of {offset}, so another producer writes there; stop it, "
                "delete the topic and run manage.py topics ensure"
            )
        else:
            self.acknowledged += 1
            self.waiting_for = ""

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            self._failure = BrokerUnavailable(f"Kafka at {self.servers}: {error.str()}")
        elif error.code() == KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - librdkafka's own name
            self.waiting_for = f"waiting for Kafka at {self.servers}"


class _DeliveryCallback:
    """A delivery callback that knows its record's planned offset."""

    __slots__ = ("_offset", "_producer")

    def __init__(self, producer: DemoProducer, offset: int) -> None:
        self._producer = producer
        self._offset = offset

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        self._producer.delivered(error, message, self._offset)
