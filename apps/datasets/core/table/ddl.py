"""SQL for a contract's table, its comments, constraints, indexes and view. Run as owner."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from apps.datasets.core.contract.contract import (
    AT,
    DELETED,
    EXTRA,
    OFFSET,
    SOURCE,
    Contract,
    ContractField,
    Order,
    OrderColumn,
    WriteMode,
)
from apps.datasets.core.contract.identifiers import quote_identifier, quote_literal

Roles = Mapping[str, str]

TABLE_RIGHTS: Final = {
    "reader": ("SELECT",),
    "ingest": ("SELECT", "INSERT", "UPDATE"),
    "writer": ("SELECT", "INSERT", "UPDATE"),
}
"""Privileges of each role on a dataset's table."""
"""The name in PostgreSQL of each role: ingest, reader, writer, analyst."""


def dataset_table(name: str) -> str:
    """The qualified, quoted name of a dataset's table."""
    return f"data.{quote_identifier(name)}"


def table_sql(contract: Contract) -> str:
    """The table's qualified, quoted name."""
    return dataset_table(contract.name)


def view_sql(contract: Contract) -> str:
    """The analyst view's qualified, quoted name."""
    return f"analyst.{quote_identifier(contract.name)}"


def column_list(names: Sequence[str], *, prefix: str = "") -> str:
    """The names, quoted, prefixed and comma-separated."""
    return ", ".join(prefix + quote_identifier(name) for name in names)


def constraint_name(dataset_id: int, kind: str, field: ContractField) -> str:
    """The name of one of the contract's constraints: `c_`, the dataset, the kind and a digest of the field's name."""
    return f"c_{dataset_id}_{kind}_{_digest(field.name)}"


def constraint_field(contract: Contract, dataset_id: int, name: str) -> ContractField | None:
    """The field of this named constraint; None if the contract has no such constraint."""
    for field in contract.fields:
        if name in {constraint_name(dataset_id, kind, field) for kind in ("required", "unique")}:
            return field
    return None


def create_table(contract: Contract, dataset_id: int) -> str:
    """The table with its columns, primary key and named constraints."""
    columns = [column_definition(contract, dataset_id, field) for field in contract.fields]
    columns += [f"{quote_identifier(name)} {kind}" for name, kind in contract.system_columns]
    columns += [
        f"CONSTRAINT {constraint_name(dataset_id, 'unique', field)} UNIQUE ({quote_identifier(field.name)})"
        for field in contract.fields
        if field.unique
    ]
    columns.append(f"CONSTRAINT d{dataset_id}_pkey PRIMARY KEY ({column_list(contract.primary_key)})")
    body = ",\n    ".join(columns)
    partitions = f" PARTITION BY RANGE ({quote_identifier(contract.event_time)})" if contract.event_time else ""
    return f"CREATE TABLE {table_sql(contract)} (\n    {body}\n){partitions}"


def column_definition(contract: Contract, dataset_id: int, field: ContractField) -> str:
    """A field's column: name, type, and whether it is required."""
    text = f"{quote_identifier(field.name)} {field.type.sql}"
    if not field.required:
        return text
    if contract.mode is WriteMode.APPEND or field.name in contract.key:
        return f"{text} NOT NULL"
    return f"{text} {required_check(dataset_id, field)}"


def required_check(dataset_id: int, field: ContractField) -> str:
    """The named constraint of an upsert table's required field: a tombstone has only its key."""
    column, deleted = quote_identifier(field.name), quote_identifier(DELETED)
    return f"CONSTRAINT {constraint_name(dataset_id, 'required', field)} CHECK ({column} IS NOT NULL OR {deleted})"


def comments(contract: Contract) -> Iterator[str]:
    """The descriptions as comments; an empty one removes the comment."""
    yield f"COMMENT ON TABLE {table_sql(contract)} IS {_comment(contract.description)}"
    for field in contract.fields:
        column = f"{table_sql(contract)}.{quote_identifier(field.name)}"
        yield f"COMMENT ON COLUMN {column} IS {_comment(field.description)}"


def indexes(contract: Contract, dataset_id: int) -> dict[str, str]:
    """The statement that creates each index of the orders and filters, by index name.

    Upsert datasets also get a partial index of their tombstones, so that the daily purge reads only what it deletes.
    """
    wanted = {
        name: f"CREATE INDEX {quote_identifier(name)} ON {table_sql(contract)} ({_index_parts(columns)})"
        for name, columns in _ordered_indexes(contract, dataset_id)
    }
    if contract.mode is WriteMode.UPSERT:
        name = f"t_{dataset_id}"
        wanted[name] = f"CREATE INDEX {name} ON {table_sql(contract)} ({AT}) WHERE {DELETED}"
    return wanted


def indexed_columns(contract: Contract, dataset_id: int, index: str) -> tuple[str, ...]:
    """The contract's columns of this index; of all its indexes if it belongs to a partition, whose names differ."""
    columns = {name: [column.name for column in order] for name, order in _ordered_indexes(contract, dataset_id)}
    columns[f"d{dataset_id}_pkey"] = list(contract.primary_key)
    columns |= {
        constraint_name(dataset_id, "unique", field): [field.name] for field in contract.fields if field.unique
    }
    found = columns.get(index) or [name for names in columns.values() for name in names]
    return tuple(dict.fromkeys(name for name in found if name not in {SOURCE, OFFSET}))


def _ordered_indexes(contract: Contract, dataset_id: int) -> Iterator[tuple[str, Order]]:
    """The name and columns of each index of the orders and filters."""
    key = tuple(OrderColumn(name) for name in contract.primary_key)
    filters = [(OrderColumn(name),) for name in contract.filters if name != contract.primary_key[0]]
    for order in (*contract.orders, *filters):
        columns = full_order(contract, order)
        if columns != key:
            yield f"i_{dataset_id}_{_digest(_index_parts(columns))}", columns


def _index_parts(columns: Order) -> str:
    return ", ".join(quote_identifier(column.name) + (" DESC" if column.descending else "") for column in columns)


def full_order(contract: Contract, order: Order) -> Order:
    """The order, extended by the missing columns of the primary key, in the direction of its last column."""
    named = {column.name for column in order}
    descending = order[-1].descending if order else False
    return (*order, *(OrderColumn(name, descending) for name in contract.primary_key if name not in named))


def grants(contract: Contract, roles: Roles) -> Iterator[str]:
    """Grants on the table."""
    table = table_sql(contract)
    for role, privileges in TABLE_RIGHTS.items():
        yield f"GRANT {', '.join(privileges)} ON {table} TO {quote_identifier(roles[role])}"


def view(contract: Contract, roles: Roles) -> Iterator[str]:
    """The analyst view: no restricted columns, no deleted rows."""
    shown = [field.name for field in contract.unrestricted]
    yield f"DROP VIEW IF EXISTS {view_sql(contract)}"
    if not shown:
        return
    where = f" WHERE NOT {quote_identifier(DELETED)}" if contract.mode is WriteMode.UPSERT else ""
    yield f"CREATE VIEW {view_sql(contract)} AS SELECT {column_list(shown)} FROM {table_sql(contract)}{where}"
    yield f"GRANT SELECT ON {view_sql(contract)} TO {quote_identifier(roles['analyst'])}"


def withhold_view(name: str, roles: Roles) -> str:
    """Revoke the analysts' right to the dataset's view, without waiting for its readers."""
    return f"REVOKE ALL ON analyst.{quote_identifier(name)} FROM {quote_identifier(roles['analyst'])}"


def create_statements(contract: Contract, dataset_id: int, roles: Roles) -> list[str]:
    """All statements that create a new dataset's table, in order."""
    return [
        create_table(contract, dataset_id),
        *comments(contract),
        *indexes(contract, dataset_id).values(),
        *grants(contract, roles),
        *view(contract, roles),
    ]


def drop_statements(name: str) -> list[str]:
    """All statements that drop a dataset's table with its partitions and its view, whatever its contract is."""
    return [f"DROP VIEW IF EXISTS analyst.{quote_identifier(name)}", f"DROP TABLE IF EXISTS {dataset_table(name)}"]


def add_extra(contract: Contract) -> str:
    """The column for kept unknown fields."""
    return f"ALTER TABLE {table_sql(contract)} ADD COLUMN IF NOT EXISTS {quote_identifier(EXTRA)} jsonb"


def _comment(text: str) -> str:
    return quote_literal(text.replace("\x00", "")) if text else "NULL"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
