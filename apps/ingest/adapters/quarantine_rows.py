"""Write rejects to the quarantine."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from psycopg import Cursor

from apps.datasets.core.table.ddl import column_list
from apps.ingest.core.headers import Header, record_headers
from apps.ingest.core.ports import DatasetBatch, TargetTable
from apps.ingest.core.records import SourceBatch
from apps.ingest.core.watermarks import NO_TIMESTAMP, watermark_time

COLUMNS: Final = (
    *("dataset_id", "source_id", "offset", "topic", "partition", "key", "value", "headers"),
    *("field", "reason", "message", "sqlstate", "contract_version", "batch_id", "timestamp"),
)
_COPY: Final = f"COPY public.ingest_quarantine ({column_list(COLUMNS)}) FROM STDIN"
_LATEST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999."""


def insert_rejects(cursor: Cursor[Any], parts: Sequence[DatasetBatch]) -> None:
    """Store the batches' rejects as raw bytes, with their reasons."""
    if not any(batch.rejects for part in parts for batch in part.source_batches.values()):
        return
    with cursor.copy(_COPY) as copy:
        for part in parts:
            for row in _rows(part.target, part.source_batches.values()):
                copy.write_row(row)


def _rows(target: TargetTable, batches: Iterable[SourceBatch]) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        key = batch.position.key
        for reject in batch.rejects:
            record = reject.record
            yield (
                target.dataset_id,
                batch.position.source_id,
                record.offset(),
                key.topic,
                key.partition,
                record.key(),
                record.value(),
                headers_json(record_headers(record)),
                storable(reject.field),
                reject.reason,
                storable(reject.message),
                reject.sqlstate,
                target.contract_version,
                batch.batch_id,
                _moment(record.timestamp()),
            )


def headers_json(headers: Sequence[Header]) -> str:
    """Headers as a JSON array of [name, value]: text if UTF-8, otherwise {"hex": …}; an unknown name is null."""
    return msgspec.json.encode([(_name(name), _header(value)) for name, value in headers]).decode()


def _name(name: str | bytes | None) -> str | dict[str, str] | None:
    return storable(name) if isinstance(name, str) else _header(name)


def storable(text: str) -> str:
    """The text as PostgreSQL can store it: U+0000 and lone surrogates become U+FFFD."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _header(value: bytes | str | None) -> str | dict[str, str] | None:
    if value is None or isinstance(value, str):
        return value
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return {"hex": value.hex()}
    return text if "\0" not in text else {"hex": value.hex()}


def _moment(timestamp: tuple[int, int]) -> Any:
    kind, stamp_ms = timestamp
    return watermark_time(stamp_ms) if kind != NO_TIMESTAMP and 0 <= stamp_ms <= _LATEST_MS else None
