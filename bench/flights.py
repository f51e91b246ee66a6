"""The flights as records in a topic, as CSV files for psql, and as a dataset."""

import csv
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import yaml
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from apps.datasets.adapters.database.connections import connect
from apps.datasets.adapters.table.partitions import ensure_months
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.core.errors import DatasetUnknown
from apps.datasets.selectors import dataset_get
from apps.datasets.services import dataset_apply, dataset_drop
from apps.ingest.demo.nycflights import TABLES, TableRecords, read_table
from apps.ingest.demo.plan import PlannedRecord, planned_records

NAME: Final = "flights"
CONTRACT: Final = Path(__file__).parents[1] / "contracts" / f"{NAME}.yaml"
PARTITIONS: Final = 4
INDEXED: Final = frozenset({"orders", "filters"})


def flights() -> TableRecords:
    """The 336,776 flights, ordered by time."""
    return read_table(next(table for table in TABLES if table.name == NAME))


def document(*, indexes: bool) -> dict[str, Any]:
    """The sample contract, with the indexes of its orders and filters or only its key."""
    found: dict[str, Any] = yaml.safe_load(CONTRACT.read_text(encoding="utf-8"))
    schema = found["schema"][0]
    if not indexes:
        words = schema["customProperties"]
        schema["customProperties"] = [word for word in words if word["property"] not in INDEXED]
    return found


def fresh_dataset(*, indexes: bool = False, months: bool = False) -> AppliedDataset:
    """Recreate the dataset without rows or positions; `months` also creates its monthly partitions."""
    with suppress(DatasetUnknown):
        dataset_drop(NAME, with_data=True)
    dataset_apply(document(indexes=indexes))
    applied = dataset_get(NAME)
    earliest, latest = applied.contract.earliest, applied.contract.latest
    if months and earliest and latest:
        with connect("ingest") as connection:
            ensure_months(connection, applied.id, earliest, latest)
    return applied


def fill_topic(records: TableRecords, bootstrap: str, *, passes: int) -> None:
    """Send the flights to the topic `passes` times, as JSON, as fast as possible."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(NAME, PARTITIONS, 1)])[NAME].result()
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "enable.idempotence": True, "log_level": 3})
    for slot in _passes(records, passes):
        while True:
            try:
                producer.produce(NAME, records.value(slot.row), slot.key, slot.partition)
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(60):
        raise TimeoutError("Kafka did not take the flights within a minute")


def write_csv(records: TableRecords, path: Path, *, passes: int) -> None:
    """Write the rows that the topic's records become, in the order of sending, without a header."""
    width = len(records)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for index, slot in enumerate(_passes(records, passes)):
            offset = slot.offset + (index // width) * width
            values = ("" if value is None else value for value in records.values(slot.row))
            writer.writerow((*values, slot.partition + 1, offset, 1))


def columns(records: TableRecords) -> str:
    """The columns of the CSV files, for psql."""
    return ", ".join((*records.columns, "_source", "_offset", "_batch"))


def _passes(records: TableRecords, passes: int) -> Iterator[PlannedRecord]:
    for _ in range(passes):
        yield from planned_records(records, PARTITIONS)
