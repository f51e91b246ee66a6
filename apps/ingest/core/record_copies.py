"""Copies of a record whose accessors fail, with what can still be read, for the quarantine."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

from apps.ingest.core.headers import UNREADABLE, Header, record_headers
from apps.ingest.core.records import ConsumerRecord
from apps.ingest.core.watermarks import NO_TIMESTAMP

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RecordCopy:
    """A record as plain values. `lacks` names what is unreadable or omitted."""

    at: tuple[str, int, int]
    raw_key: bytes | None
    raw_value: bytes | None
    raw_headers: tuple[Header, ...]
    stamp: tuple[int, int]
    written_in: int | None = None
    lacks: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        """Bytes of the value."""
        return len(self.raw_value or b"")

    def topic(self) -> str:
        """The topic."""
        return self.at[0]

    def partition(self) -> int:
        """The partition."""
        return self.at[1]

    def offset(self) -> int:
        """The offset in the partition."""
        return self.at[2]

    def key(self) -> bytes | None:
        """The raw key."""
        return self.raw_key

    def value(self) -> bytes | None:
        """The raw value."""
        return self.raw_value

    def headers(self) -> Sequence[tuple[str, bytes | None]]:
        """The headers; names that are not UTF-8 stay bytes."""
        return cast("Sequence[tuple[str, bytes | None]]", self.raw_headers)

    def timestamp(self) -> tuple[int, int]:
        """The timestamp type and milliseconds since 1970."""
        return self.stamp

    def leader_epoch(self) -> int | None:
        """The leader epoch of the record."""
        return self.written_in


def salvage_copies(record: ConsumerRecord) -> Iterator[RecordCopy]:
    """Copies of the record, each with less content, down to topic, partition and offset."""
    lacks: list[str] = []
    headers = tuple(record_headers(record))
    if UNREADABLE in headers:
        lacks.append("headers")
    copy = RecordCopy(
        (record.topic() or "", record.partition() or 0, record.offset() or 0),
        _read("key", record.key, None, lacks),
        _read("value", record.value, None, lacks),
        headers,
        _read("timestamp", record.timestamp, (NO_TIMESTAMP, 0), lacks),
        _read("leader epoch", record.leader_epoch, None, lacks),
    )
    yield (copy := replace(copy, lacks=tuple(lacks)))
    if copy.raw_headers:
        yield (copy := replace(copy, raw_headers=(), lacks=tuple(dict.fromkeys((*lacks, "headers")))))
    yield replace(
        copy, raw_key=None, raw_value=None, stamp=(NO_TIMESTAMP, 0), lacks=("headers", "key", "value", "timestamp")
    )


def _read(name: str, accessor: Callable[[], T], otherwise: T, lacks: list[str]) -> T:
    try:
        return accessor()
    except Exception:  # noqa: BLE001  the client may raise any class
        lacks.append(name)
        return otherwise
