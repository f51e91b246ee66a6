"""An installation with real PostgreSQL and Kafka, and workers in this process."""

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from django.conf import settings
from django.db import connections

from apps.datasets.core.contract.contract import TopicSpec
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.ingest.adapters.kafka_client import client_config
from apps.ingest.adapters.kafka_topic_admin import KafkaTopicAdmin
from apps.ingest.adapters.partition_ends import KafkaPartitionEnds
from apps.ingest.conf import IngestSettings, KafkaSettings
from apps.ingest.selectors import dataset_topics, positions
from apps.ingest.services.lag import LagExporter
from apps.ingest.services.run_limits import RunLimits
from apps.ingest.services.run_summary import RunSummary
from apps.ingest.services.worker import Worker
from apps.ingest.services.worker_factory import worker_make
from embedded.kafka import EmbeddedKafka
from tests.documents import document
from tests.station import Station


@dataclass
class Line:
    """One topic with its dataset, and workers in a separate group."""

    station: Station
    kafka: EmbeddedKafka
    topic: str = field(default_factory=lambda: f"line-{uuid.uuid4()}")
    group: str = field(default_factory=lambda: f"group-{uuid.uuid4()}")
    threads: list[tuple[Worker, threading.Thread]] = field(default_factory=list)

    @property
    def settings(self) -> KafkaSettings:
        return KafkaSettings(bootstrap_servers=self.kafka.bootstrap, group_id=self.group, session_timeout_ms=1_000)

    @property
    def topics(self) -> KafkaTopicAdmin:
        return KafkaTopicAdmin(client_config(self.settings))

    @property
    def exporter(self) -> LagExporter:
        """A lag exporter that stores nothing."""
        ends = KafkaPartitionEnds(self.topics, client_config(self.settings))
        return LagExporter(self.topics, ends, dataset_topics, positions, lambda _ends: None)

    @property
    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.kafka.bootstrap})

    def make(self, partitions: int = 1) -> None:
        self.topics.make(self.topic, TopicSpec(partitions=partitions), replication_factor=1)

    def apply(self, properties: Any, name: str = "things", **custom: Any) -> AppliedDataset:
        return self.station.apply(document(name, properties, physical_name=self.topic, **custom))

    def send(self, *values: Any, partition: int = 0, key: Any = None) -> None:
        """Append values: bytes as they are, None as a tombstone, others as JSON."""
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap, "linger.ms": 5})
        for value in values:
            raw = value if isinstance(value, bytes | None) else msgspec.json.encode(value)
            producer.produce(self.topic, raw, key=key, partition=partition, headers=[("from", b"test")])
            producer.poll(0)
        assert producer.flush(60) == 0

    def worker(self, *names: str, limits: RunLimits | None = None, **ingest: Any) -> Worker:
        return worker_make(
            names,
            ingest=IngestSettings(**{"refresh_s": 0.3, **ingest}),
            kafka=self.settings,
            limits=limits or RunLimits(until_idle=True, patience_s=60),
        )

    def run(self, *names: str, **ingest: Any) -> RunSummary:
        return self.worker(*names, **ingest).run()

    def start(self, *names: str, **ingest: Any) -> Worker:
        """Run an endless worker in a thread."""
        worker = self.worker(*names, limits=RunLimits(), **ingest)

        def run() -> None:
            try:
                worker.run()
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        self.threads.append((worker, thread))
        return worker

    def stop(self) -> None:
        for worker, _ in self.threads:
            worker.stop()
        for _, thread in self.threads:
            thread.join(30)
            assert not thread.is_alive()
        self.threads.clear()

    def query(self, text: str) -> list[tuple[Any, ...]]:
        return self.station.query(text)


@pytest.fixture
def line(station: Station, kafka_server: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    line = Line(station, kafka_server)
    monkeypatch.setattr(settings, "KAFKA", line.settings)
    yield line
    line.stop()


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait at most half a minute for a condition."""

    def wait(true: Callable[[], bool]) -> None:
        pause = threading.Event()
        for _ in range(600):
            if true():
                return
            pause.wait(0.05)
        raise AssertionError("it did not become true in half a minute")

    return wait
