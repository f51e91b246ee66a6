"""From one contract version to the next: the statements, or the reasons why not.

Changes that only update the catalog are made in place; those that would rewrite or scan a large table are rejected.
"""

from collections.abc import Iterator

from apps.datasets.core.column_types.types import ColumnType
from apps.datasets.core.contract.contract import Contract, ContractField, UnknownFieldsPolicy, WriteMode
from apps.datasets.core.contract.identifiers import quote_identifier
from apps.datasets.core.errors import ContractProblem
from apps.datasets.core.table.ddl import (
    Roles,
    add_extra,
    column_definition,
    comments,
    constraint_name,
    indexes,
    table_sql,
    view,
    view_sql,
)

NEW = "create a new dataset, or keep it as it was"


def refusals(old: Contract, new: Contract) -> Iterator[ContractProblem]:
    """Why the old contract's table cannot become the new one's; empty if it can."""
    schema = "$.schema[0]"
    for what, before, after in (
        ("mode", old.mode, new.mode),
        ("the key", old.key, new.key),
        ("the event time", old.event_time, new.event_time),
    ):
        if before != after:
            yield ContractProblem(schema, f"{what} of an existing dataset cannot change", NEW)
    existing = {field.name: field for field in old.fields}
    for name in existing.keys() - {field.name for field in new.fields}:
        yield ContractProblem(f"{schema}.properties", f"{name!r} is removed, and its values with it", NEW)
    for field in new.fields:
        known = existing.get(field.name)
        if known is None and field.required:
            rule = f"{field.name!r} is new and required, but existing rows have no value for it"
            yield ContractProblem(f"{schema}.properties", rule, "add it without required")
        elif known is not None:
            yield from _field_refusals(known, field, f"{schema}.properties")


def _field_refusals(before: ContractField, after: ContractField, path: str) -> Iterator[ContractProblem]:
    if before.type != after.type and not widens(before.type, after.type):
        rule = f"{after.name!r} cannot change from {before.type.sql} to {after.type.sql} without rewriting the table"
        yield ContractProblem(path, rule, NEW)
    if after.required and not before.required:
        yield ContractProblem(path, f"{after.name!r} cannot become required, because rows may lack it", NEW)


def widens(before: ColumnType, after: ColumnType) -> bool:
    """Whether PostgreSQL changes one type to the other by a catalog update only."""
    if before.array or after.array:
        return False
    if before.spec is after.spec:
        return bool(before.spec.modifiers and before.spec.modifiers.widen(before.args, after.args))
    return after.spec.name in before.spec.widens_to


def change_statements(old: Contract, new: Contract, dataset_id: int, roles: Roles) -> list[str]:
    """The statements that turn the old contract's table into the new one's, in order."""
    before, after = indexes(old, dataset_id), indexes(new, dataset_id)
    return [
        f"DROP VIEW IF EXISTS {view_sql(old)}",
        *(f"DROP INDEX IF EXISTS data.{quote_identifier(name)}" for name in before.keys() - after.keys()),
        *_columns(old, new, dataset_id),
        *comments(new),
        *(after[name] for name in after.keys() - before.keys()),
        *view(new, roles),
    ]


def _columns(old: Contract, new: Contract, dataset_id: int) -> Iterator[str]:
    table = table_sql(new)
    existing = {field.name: field for field in old.fields}
    for field in new.fields:
        before = existing.get(field.name)
        if before is None:
            yield f"ALTER TABLE {table} ADD COLUMN {column_definition(new, dataset_id, field)}"
            before = field
        yield from _column(before, field, new, dataset_id)
        if field.unique and (field.name not in existing or not before.unique):
            name = constraint_name(dataset_id, "unique", field)
            yield f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE ({quote_identifier(field.name)})"
    if new.unknown_fields is UnknownFieldsPolicy.KEEP and old.unknown_fields is not UnknownFieldsPolicy.KEEP:
        yield add_extra(new)


def _column(before: ContractField, after: ContractField, contract: Contract, dataset_id: int) -> Iterator[str]:
    table, column = table_sql(contract), quote_identifier(after.name)
    if before.type != after.type:
        yield f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {after.type.sql}"
    if before.required and not after.required:
        if contract.mode is WriteMode.APPEND:
            yield f"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL"
        else:
            yield f"ALTER TABLE {table} DROP CONSTRAINT {constraint_name(dataset_id, 'required', after)}"
    if before.unique and not after.unique:
        yield f"ALTER TABLE {table} DROP CONSTRAINT {constraint_name(dataset_id, 'unique', after)}"
