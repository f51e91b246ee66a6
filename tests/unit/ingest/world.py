"""An in-memory environment for workers: Kafka, tables, clock and contracts."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from apps.datasets.core.document.applied_dataset import AppliedDataset, DatasetCatalogue, UnreadableDataset
from apps.datasets.core.document.odcs import contract_from_odcs
from apps.ingest.core.batching import BatchPolicy
from apps.ingest.core.decoding import Decoder
from apps.ingest.core.errors import RetriableStoreError
from apps.ingest.core.ports import TargetTable
from apps.ingest.core.records import TopicPartition
from apps.ingest.services.dependencies import WorkerDependencies
from apps.ingest.services.membership import Membership
from apps.ingest.services.run_limits import RunLimits
from apps.ingest.services.run_summary import RunSummary
from apps.ingest.services.worker import Worker
from tests.documents import document, prop
from tests.fakes.memory_kafka import MemoryConsumer, MemoryGroup, MemoryKafka
from tests.fakes.memory_store import MemoryStore, MemoryTables

NOW_MS = 1_764_000_000_000
EVENTS = (prop("id", "integer", required=True), prop("name"))
ENTITIES = (prop("id", "integer", primaryKey=True), prop("name"))
TIMED = (prop("id", "integer", required=True), prop("at", "timestamp", partitioned=True, required=True))


def applied(number: int, source: dict[str, Any], *, version: int = 1) -> AppliedDataset:
    """A dataset of this id with the document's contract."""
    return AppliedDataset(number, version, contract_from_odcs(source), source)


def target(dataset: AppliedDataset) -> TargetTable:
    """The dataset's target table."""
    return TargetTable(dataset.id, dataset.name, dataset.version, Decoder(dataset.contract))


def events(number: int = 1, name: str = "events", topic: str = "events", **custom: Any) -> AppliedDataset:
    """An append dataset of an id and a name."""
    return applied(number, document(name, EVENTS, physical_name=topic, mode="append", **custom))


def entities(number: int = 2, name: str = "entities", topic: str = "entities") -> AppliedDataset:
    """An upsert dataset keyed by its id."""
    return applied(number, document(name, ENTITIES, physical_name=topic, mode="upsert"))


def timed(number: int = 3, **custom: Any) -> AppliedDataset:
    """An append dataset in months."""
    return applied(number, document("timed", TIMED, physical_name="timed", mode="append", **custom))


@dataclass
class FakeClock:
    """A clock that advances ten milliseconds per reading."""

    seconds: float = 0.0

    def monotonic_s(self) -> float:
        self.seconds += 0.01
        return self.seconds

    def now_ms(self) -> int:
        return NOW_MS


@dataclass
class World:
    """Everything that workers share."""

    datasets: list[AppliedDataset]
    kafka: MemoryKafka = field(default_factory=MemoryKafka)
    tables: MemoryTables = field(default_factory=MemoryTables)
    clock: FakeClock = field(default_factory=FakeClock)
    catalogue_faults: int = 0
    unreadable: list[UnreadableDataset] = field(default_factory=list)
    database: str = "1-1"

    def __post_init__(self) -> None:
        for dataset in self.datasets:
            if dataset.contract.topic not in self.kafka.topics:
                self.kafka.make(dataset.contract.topic, 2)

    def send(self, topic: str, *values: Any, partition: int = 0, **more: Any) -> None:
        """Append these values to a partition: bytes as they are, None as a tombstone, others as JSON."""
        for value in values:
            raw = value if isinstance(value, bytes | None) else msgspec.json.encode(value)
            self.kafka.send(TopicPartition(topic, partition), raw, **more)

    def catalogue(self) -> DatasetCatalogue:
        if self.catalogue_faults:
            self.catalogue_faults -= 1
            raise RetriableStoreError("away")
        return DatasetCatalogue(tuple(self.datasets), tuple(self.unreadable))

    def worker(self, *, limits: RunLimits | None = None, refresh_s: float = 0.5, **policy: Any) -> Worker:
        """A new worker, by default until idle."""
        membership = Membership(MemoryGroup(self.kafka), group_id="anden", database=lambda: self.database)
        dependencies = WorkerDependencies(
            membership=membership,
            consumer=MemoryConsumer(self.kafka, client_id=membership.client_id),
            topics=self.kafka,
            store=MemoryStore(self.tables),
            clock=self.clock,
            catalogue=self.catalogue,
        )
        return Worker(
            dependencies, BatchPolicy(**policy), refresh_s=refresh_s, limits=limits or RunLimits(until_idle=True)
        )

    def run(self, **policy: Any) -> RunSummary:
        """Run a new worker until idle."""
        return self.worker(**policy).run()

    def ids(self, dataset: int = 1) -> list[int]:
        """The ids of the stored rows, sorted."""
        return sorted(row[0] for row in self.tables.rows[dataset].values())

    def reasons(self) -> list[str]:
        """Why records were rejected, sorted."""
        return sorted(reject.reason for _, _, reject in self.tables.rejects)


def things(count: int, start: int = 0) -> list[dict[str, Any]]:
    """Good records for `events` and `entities`."""
    return [{"id": number, "name": f"n{number}"} for number in range(start, start + count)]
