"""An admin client of Kafka that is replaced after an outage.

A request that loses its coordinator or controller can leave librdkafka 2.16's client broken: later requests are never
answered, or an assertion ends the process (confluentinc/librdkafka#4605).
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from apps.ingest.adapters.kafka_errors import request_error
from apps.ingest.core.errors import BrokerUnavailable

TIMEOUT_S: Final = 5.0
ANSWER_S: Final = TIMEOUT_S + 1
"""The longest wait for a request's result; the client itself gives up after TIMEOUT_S."""


class KafkaAdmin:
    """Lends an admin client for one request at a time."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = dict(config)
        self.where = str(config["bootstrap.servers"])
        self._client = AdminClient(self._config)
        self._successor: AdminClient | None = None

    @contextmanager
    def request(self) -> Iterator[AdminClient]:
        """The client. Raises BrokerUnavailable, BrokerRefused: Kafka is still away after a failed request."""
        if self._successor is not None:
            self._replace(self._successor)
        try:
            yield self._client
        except BrokerUnavailable:
            self._successor = AdminClient(self._config)
            raise
        except TimeoutError as error:
            self._successor = AdminClient(self._config)
            raise BrokerUnavailable(f"Kafka at {self.where} did not answer within {ANSWER_S:g} s") from error

    def _replace(self, successor: AdminClient) -> None:
        """Use the successor once it has the metadata of the cluster, which needs no coordinator and no controller."""
        try:
            successor.list_topics(timeout=TIMEOUT_S)
        except KafkaException as error:
            raise request_error(self.where, error) from error
        broken, self._client, self._successor = [self._client], successor, None
        # Closing a broken client may never return.
        threading.Thread(target=broken.clear, name="close-kafka-admin", daemon=True).start()
