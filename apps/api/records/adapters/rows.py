"""Writes one row of an upsert dataset with its ledger entry. Conflicts are resolved as in ingestion."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from psycopg import Cursor

from apps.api.access.visible_schema import VisibleSchema, column_kind
from apps.api.records.adapters.output_expressions import json_columns, key_array
from apps.api.records.adapters.sizes import null_unless_near, null_unless_within, size_sql
from apps.datasets.adapters.table.ledger import BatchEntry, insert_batches, next_batch_ids
from apps.datasets.core.column_types.types import ColumnType
from apps.datasets.core.contract.contract import DELETED, EXTRA, REV, Contract
from apps.datasets.core.contract.identifiers import quote_identifier
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.core.record.json_reader import json_reader
from apps.datasets.core.record.nesting import too_deep, why_too_deep
from apps.datasets.core.record.record_format import Values
from apps.datasets.core.table.ddl import column_list, table_sql
from apps.datasets.core.table.upsert import on_conflict_sql, stage_columns

SOURCE_ID: Final = 0
"""The source id of all writes through the API."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A locked row. `members` has the requested columns as JSON, including unknown fields.

    It is None if they exceed the requested size.
    """

    members: dict[str, msgspec.Raw] | None
    rev: int
    deleted: bool


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A written row: the visible fields as JSON (None if too large for a response), the key and the revision."""

    body: str | None
    key: str
    rev: int


@dataclass(frozen=True, slots=True)
class RowWrite:
    """A row to write, with its values in the order of the reader's columns."""

    dataset: AppliedDataset
    schema: VisibleSchema
    values: Values
    deleted: bool
    size: int
    worker: str
    max_bytes: int


def lock_row(
    cursor: Cursor[Any], contract: Contract, key: Sequence[Any], columns: Sequence[str] = (), max_bytes: int = 0
) -> StoredRow | None:
    """The row with this key, locked until the transaction ends, or None."""
    cursor.execute(
        f"SELECT {_record_json(contract, columns, 't.', max_bytes)}, t.{REV}, t.{DELETED} "  # noqa: S608  names are quoted
        f"FROM {table_sql(contract)} AS t WHERE {_key_condition(contract)} FOR UPDATE",
        list(key),
    )
    row = cursor.fetchone()
    return StoredRow(None if row[0] is None else _members(row[0]), row[1], row[2]) if row else None


def column_sizes(
    cursor: Cursor[Any], contract: Contract, key: Sequence[Any], columns: Sequence[str], max_bytes: int
) -> dict[str, int]:
    """The size of each column of a row as JSON, bytes; an estimate if far above `max_bytes`."""
    sizes = [size_sql(column_kind(contract, name), f"t.{quote_identifier(name)}", max_bytes) for name in columns]
    cursor.execute(
        f"SELECT {', '.join(sizes)} FROM {table_sql(contract)} AS t WHERE {_key_condition(contract)}",  # noqa: S608  names are quoted
        list(key),
    )
    return dict(zip(columns, cursor.fetchone() or (), strict=True))


def write_row(cursor: Cursor[Any], write: RowWrite) -> WrittenRow | None:
    """The row as written, after its ledger entry; None if a newer row is stored and nothing was changed.

    Raises psycopg.errors.CheckViolation without a constraint name: a month or a ledger day has no partition.
    """
    contract = write.dataset.contract
    batch = next_batch_ids(cursor, 1)[0]
    cursor.execute(
        _upsert(contract, write.schema, write.max_bytes), [*map(_adapt, write.values), batch, batch, write.deleted]
    )
    row = cursor.fetchone()
    if row is None:
        return None
    insert_batches(cursor, [_ledger_entry(write, batch)])
    return WrittenRow(*row)


def event_moment(contract: Contract, values: Values) -> datetime.datetime | None:
    """The row's event time, aware; None if the contract has no event time."""
    if contract.event_time is None:
        return None
    value = values[json_reader(contract).columns.index(contract.event_time)]
    if isinstance(value, datetime.datetime):
        return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
    return datetime.datetime.combine(value, datetime.time(), datetime.UTC)


def _key_condition(contract: Contract) -> str:
    return " AND ".join(f"t.{quote_identifier(name)} = {_cast(contract.field(name).type)}" for name in contract.key)


def _upsert(contract: Contract, schema: VisibleSchema, max_bytes: int) -> str:
    reader = json_reader(contract)
    kinds = [_cast(field.type) for field in contract.fields] + ["%s::jsonb"] * (
        len(reader.columns) - len(contract.fields)
    )
    # The server's clock at execution: concurrent writes keep the order in which they got the lock.
    values = ", ".join([*kinds, str(SOURCE_ID), "%s", "%s", "clock_timestamp()", "%s", "1"])
    shown = [field.name for field in schema.fields]
    key = key_array([(column_kind(contract, name), quote_identifier(name)) for name in contract.key])
    return (
        f"INSERT INTO {table_sql(contract)} AS old ({column_list((*stage_columns(contract), REV))}) "  # noqa: S608
        f"VALUES ({values}) {on_conflict_sql(contract)} "
        f"RETURNING {_record_json(contract, shown, '', max_bytes)}, {key}, {quote_identifier(REV)}"
    )


def _record_json(contract: Contract, names: Sequence[str], prefix: str, max_bytes: int) -> str:
    """The columns as a record's JSON, NULL if larger than `max_bytes`."""
    if not names:
        return "'{}'"
    columns = [(name, column_kind(contract, name), prefix + quote_identifier(name)) for name in names]
    body = null_unless_near(columns, "row_to_json(r)::text", max_bytes)
    return (
        f"(SELECT {null_unless_within('w.body', max_bytes)} FROM (SELECT {body} AS body "  # noqa: S608  names are quoted
        f"FROM (SELECT {json_columns(columns)}) AS r OFFSET 0) AS w)"
    )


def _members(text: str) -> dict[str, msgspec.Raw]:
    """The members of a stored row. Raises BadRecord: stored by an earlier release without a nesting limit."""
    try:
        members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        extra = members.pop(EXTRA, None)
        unknown = msgspec.json.decode(extra, type=dict[str, msgspec.Raw] | None) if extra else None
    except RecursionError:
        raise why_too_deep(text.encode()) or too_deep() from None
    return {**(unknown or {}), **members}


def _cast(kind: ColumnType) -> str:
    # Without the type modifier: the contract has validated the value, and a cast would truncate.
    # CAST and not `::`, which binds tighter than a minus: -2147483648::integer is out of range.
    return f"CAST(%s AS {kind.spec.name}{'[]' if kind.array else ''})"


def _adapt(value: Any) -> Any:
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else value


def _ledger_entry(write: RowWrite, batch: int) -> BatchEntry:
    moment = event_moment(write.dataset.contract, write.values)
    return BatchEntry(
        id=batch,
        dataset_id=write.dataset.id,
        version=write.dataset.version,
        source_id=SOURCE_ID,
        first_offset=batch,
        last_offset=batch,
        rows=1,
        rejects=0,
        bytes=write.size,
        min_event_time=moment,
        max_event_time=moment,
        worker=write.worker,
    )
