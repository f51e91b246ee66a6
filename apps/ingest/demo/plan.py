"""Which records are still to be sent, given how many each partition already holds. Pure functions."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from apps.ingest.demo.errors import ForeignRecords
from apps.ingest.demo.nycflights import Row, TableRecords


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """A row with its place in the topic, which is the same in every run, as keys and order are."""

    row: Row
    key: bytes
    partition: int
    offset: int


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of this key, as librdkafka's `consistent` partitioner chooses it."""
    return zlib.crc32(key) % partitions


def planned_records(records: TableRecords, partitions: int) -> Iterator[PlannedRecord]:
    """Every row with its place in the topic, in sending order."""
    counts = [0] * partitions
    for row in records:
        key = records.key(row)
        partition = partition_of(key, partitions)
        yield PlannedRecord(row, key, partition, counts[partition])
        counts[partition] += 1


def remaining(records: Iterable[PlannedRecord], held: Sequence[int]) -> Iterator[PlannedRecord]:
    """The records that the partitions lack."""
    return (record for record in records if record.offset >= held[record.partition])


def check_tails(records: TableRecords, held: Sequence[int], tails: Mapping[int, bytes | None]) -> None:
    """Check that the topic holds a prefix of what the demo sends.

    `tails` has the last value of each partition that still has one. Raises ForeignRecords.
    """
    name = records.table.name
    counts = [0] * len(held)
    for record in planned_records(records, len(held)):
        counts[record.partition] += 1
        is_tail = record.offset == held[record.partition] - 1 and record.partition in tails
        if is_tail and tails[record.partition] != records.value(record.row):
            raise ForeignRecords(_foreign(name, record.partition, record.offset))
    for partition, (held_here, count) in enumerate(zip(held, counts, strict=True)):
        if held_here > count:
            raise ForeignRecords(_foreign(name, partition, count))


def _foreign(topic: str, partition: int, offset: int) -> str:
    return (
        f"topic {topic}, partition {partition} holds records that the demo did not send, seen at offset "
        f"{offset}: delete the topic and run manage.py topics ensure"
    )
