"""Which records are still to be sent, judged by how many each partition holds already. Pure."""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from apps.ingest.demo.errors import ForeignRecords
from apps.ingest.demo.nycflights import Row, TableRecords


@dataclass(frozen=True, slots=True)
class PlannedRecord:
    """A row's place in its topic: the same in every run, because key and order are."""

    row: Row
    key: bytes
    partition: int
    offset: int


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of this key, as librdkafka's `consistent` partitioner chooses it."""
    return zlib.crc32(key) % partitions


def planned_records(records: TableRecords, partitions: int) -> Iterator[PlannedRecord]:
    """Every row with its place in the topic, in the order they are sent."""
    counts = [0] * partitions
    for row in records:
        key = records.key(row)
        partition = partition_of(key, partitions)
        yield PlannedRecord(row, key, partition, counts[partition])
        counts[partition] += 1


def remaining(places: Iterable[PlannedRecord], held: Sequence[int]) -> Iterator[PlannedRecord]:
    """The planned_records beyond what each partition holds."""
    return (slot for slot in places if slot.offset >= held[slot.partition])


def check_tails(records: TableRecords, held: Sequence[int], tails: Mapping[int, bytes | None]) -> None:
    """Make sure that what the topic holds is the beginning of what the demo sends.

    `tails` has the last value of each partition that still has one. Raises ForeignRecords.
    """
    name = records.table.name
    counts = [0] * len(held)
    for slot in planned_records(records, len(held)):
        counts[slot.partition] += 1
        is_tail = slot.offset == held[slot.partition] - 1 and slot.partition in tails
        if is_tail and tails[slot.partition] != records.value(slot.row):
            raise ForeignRecords(_foreign(name, slot.partition, slot.offset))
    for partition, (held_here, count) in enumerate(zip(held, counts, strict=True)):
        if held_here > count:
            raise ForeignRecords(_foreign(name, partition, count))


def _foreign(topic: str, partition: int, offset: int) -> str:
    return (
        f"topic {topic}, partition {partition} holds something else than the demo sends, seen at offset "
        f"{offset}: drop the topic and run manage.py topics ensure"
    )
