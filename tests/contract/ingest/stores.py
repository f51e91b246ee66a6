"""The tables behind a store: in memory, and in PostgreSQL."""

from functools import partial
from typing import Any, Protocol

from psycopg import sql

from apps.datasets.adapters.database.connections import connect
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.ingest.adapters.postgres_store import PostgresStore
from apps.ingest.core.errors import (
    RecordRefused,
)
from apps.ingest.core.ports import Store, TargetTable
from apps.ingest.core.records import Position, SourceKey
from tests.fakes.memory_store import MemoryStore, MemoryTables, StoredSource
from tests.station import Station
from tests.unit.ingest.world import applied


def key(dataset: TargetTable, topic_id: str = "life-1") -> SourceKey:
    return SourceKey(dataset.dataset_id, "things", topic_id, 0)


class AnyTables(Protocol):
    """The operations on tables that the cases need."""

    def dataset(self, document: dict[str, Any]) -> AppliedDataset: ...

    def store(self) -> Store: ...

    def rows(self, target: TargetTable) -> list[tuple[Any, ...]]: ...

    def owned(self, position: Position) -> bool: ...

    def counts(self) -> tuple[int, int]: ...

    def refuse_names_longer_than_three(self) -> None: ...

    def errors(self) -> list[str]: ...

    def make_life(self, target: TargetTable, topic_id: str) -> None: ...


class InMemory:
    """The fake."""

    def __init__(self) -> None:
        self.tables = MemoryTables()

    def dataset(self, document: dict[str, Any]) -> AppliedDataset:
        return applied(1, document)

    def store(self) -> Store:
        return MemoryStore(self.tables)

    def rows(self, target: TargetTable) -> list[tuple[Any, ...]]:
        width = target.decoder.source_index
        deleted = target.decoder.columns.index("_deleted") if target.contract.key else None
        return sorted(
            row[:width] if deleted is None else (*row[:width], row[deleted])
            for row in self.tables.rows[target.dataset_id].values()
        )

    def owned(self, position: Position) -> bool:
        return self.tables.sources[position.source_id - 1].owner is not None

    def counts(self) -> tuple[int, int]:
        return len(self.tables.ledger), len(self.tables.rejects)

    def refuse_names_longer_than_three(self) -> None:
        self.tables.refuses = lambda row: (
            RecordRefused("too long", sqlstate="22001") if len(row[1] or "") > 3 else None
        )

    def errors(self) -> list[str]:
        return [source.last_error for source in self.tables.sources]

    def make_life(self, target: TargetTable, topic_id: str) -> None:
        self.tables.sources.append(StoredSource(len(self.tables.sources) + 1, key(target, topic_id), 0))


class InPostgres:
    """PostgreSQL, as the workers' role."""

    def __init__(self, station: Station) -> None:
        self.station = station
        self.stores: list[PostgresStore] = []

    def dataset(self, document: dict[str, Any]) -> AppliedDataset:
        return self.station.apply(document)

    def store(self) -> Store:
        self.stores.append(PostgresStore(partial(connect, "ingest"), worker=f"w{len(self.stores)}"))
        return self.stores[-1]

    def rows(self, target: TargetTable) -> list[tuple[Any, ...]]:
        names = [field.name for field in target.contract.fields]
        names += ["_deleted"] if target.contract.key else []
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(",").join(map(sql.Identifier, names)), sql.Identifier("data", target.name)
        )
        with self.station.admin() as connection:
            return sorted(connection.execute(query).fetchall())

    def owned(self, position: Position) -> bool:
        with self.station.admin() as connection:
            query = "SELECT owner <> '' FROM ingest_source WHERE id = %s"
            row = connection.execute(query, (position.source_id,)).fetchone()
            return bool(row and row[0])

    def counts(self) -> tuple[int, int]:
        with self.station.admin() as connection:
            row = connection.execute(
                "SELECT (SELECT count(*) FROM datasets_batch), (SELECT count(*) FROM ingest_quarantine)"
            ).fetchone()
            assert row is not None
            return row[0], row[1]

    def refuse_names_longer_than_three(self) -> None:
        with self.station.admin() as connection:
            connection.execute("ALTER TABLE data.things ADD CONSTRAINT c_test CHECK (length(name) <= 3)")

    def errors(self) -> list[str]:
        with self.station.admin() as connection:
            return [row[0] for row in connection.execute("SELECT last_error FROM ingest_source ORDER BY id")]

    def make_life(self, target: TargetTable, topic_id: str) -> None:
        with self.station.admin() as connection:
            connection.execute(
                "INSERT INTO ingest_source (dataset_id, topic, topic_id, partition, next_offset) "
                "VALUES (%s, 'things', %s, 0, 0)",
                (target.dataset_id, topic_id),
            )
