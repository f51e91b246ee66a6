"""The flights as records in a topic, as CSV files for psql, and as a dataset."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from apps.datasets.adapters.database.connections import connect
from apps.datasets.adapters.table.partitions import ensure_months
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.ingest.demo.nycflights import TABLES, TableRecords, read_table
from apps.ingest.demo.plan import PlannedRecord, planned_records
from bench.copies import CopyFile, copy_file
from bench.datasets import recreated
from bench.topics import OutgoingRecord, fill, topics_make

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
    applied = recreated(document(indexes=indexes))
    earliest, latest = applied.contract.earliest, applied.contract.latest
    if months and earliest and latest:
        with connect("ingest") as connection:
            ensure_months(connection, applied.id, earliest, latest)
    return applied


def fill_topic(records: TableRecords, bootstrap: str, *, passes: int) -> None:
    """Send the flights to the topic `passes` times, as JSON, as fast as possible."""
    topics_make(bootstrap, [NAME], partitions=PARTITIONS)
    slots = _passes(records, passes)
    fill(bootstrap, (OutgoingRecord(NAME, slot.partition, records.value(slot.row), slot.key) for slot in slots))


def flights_file(records: TableRecords, path: Path, *, passes: int) -> CopyFile:
    """The rows that the topic's records become, in the order of sending."""
    width = len(records)

    def rows() -> Iterator[tuple[Any, ...]]:
        for index, slot in enumerate(_passes(records, passes)):
            offset = slot.offset + (index // width) * width
            yield *records.values(slot.row), slot.partition + 1, offset, 1

    return copy_file(path, (*records.columns, "_source", "_offset", "_batch"), rows())


def _passes(records: TableRecords, passes: int) -> Iterator[PlannedRecord]:
    for _ in range(passes):
        yield from planned_records(records, PARTITIONS)
