"""What one key can see of one dataset: the fields, filters and orders."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from apps.datasets.core.column_types.types import BY_NAME, ColumnType
from apps.datasets.core.contract.contract import (
    BATCH,
    EXTRA,
    OFFSET,
    REV,
    SOURCE,
    Contract,
    ContractField,
    Order,
    OrderColumn,
    UnknownFieldsPolicy,
    WriteMode,
)
from apps.datasets.core.table.ddl import full_order

ID: Final = "_id"
OMITTED: Final = "_omitted"
"""The member that lists the fields too large for the response."""
SOURCE_POSITION: Final = frozenset({SOURCE, OFFSET})
SYSTEM_TYPES: Final = {
    SOURCE: ColumnType(BY_NAME["integer"]),
    **{name: ColumnType(BY_NAME["bigint"]) for name in (OFFSET, BATCH, REV)},
    EXTRA: ColumnType(BY_NAME["jsonb"]),
}
EXTRA_FIELD: Final = ContractField(
    EXTRA, ColumnType(BY_NAME["jsonb"]), "object", description="Fields that the contract does not define."
)


@dataclass(frozen=True, slots=True)
class SortColumn:
    """One column of a total sort order. NULLs sort last ascending, first descending."""

    name: str
    descending: bool
    nullable: bool


Sort = tuple[SortColumn, ...]


@dataclass(frozen=True, slots=True)
class VisibleSchema:
    """A contract as one key sees it. `fields` has the visible fields in contract order."""

    contract: Contract
    fields: tuple[ContractField, ...]

    def field(self, name: str) -> ContractField | None:
        """The visible field with this name; None if it is hidden or does not exist."""
        return next((field for field in self.fields if field.name == name), None)

    @property
    def names(self) -> frozenset[str]:
        """The names of the visible fields."""
        return frozenset(field.name for field in self.fields)

    @property
    def is_complete(self) -> bool:
        """Whether every field of the contract is visible."""
        return {field.name for field in self.contract.fields} <= self.names

    @property
    def has_plaintext_id(self) -> bool:
        """Whether a record's id may contain its key in plaintext, because every key column is visible."""
        return all(name in self.names for name in self.contract.primary_key if name not in SOURCE_POSITION)

    @property
    def filterable(self) -> tuple[str, ...]:
        """The visible fields with an index for filtering: key, event time, declared filters."""
        contract = self.contract
        wanted = {*contract.key, *contract.filters, *filter(None, [contract.event_time])}
        return tuple(field.name for field in self.fields if field.name in wanted)

    @property
    def orders(self) -> tuple[Order, ...]:
        """The orders without a hidden column; each may also be requested in reverse."""
        offered = dict.fromkeys((*self.contract.orders, *self._key_orders()))
        return tuple(order for order in offered if all(column.name in self.names for column in order))

    def _key_orders(self) -> Iterable[Order]:
        """The prefixes of the primary key, served by its index."""
        columns = [OrderColumn(name) for name in self.contract.primary_key if name not in SOURCE_POSITION]
        return [tuple(columns[: length + 1]) for length in range(len(columns))]

    def sort(self, order: Order, *, descending: bool = False) -> Sort:
        """The order, extended by the primary key to a total one, in the direction of its last column."""
        contract = self.contract
        named = order or (OrderColumn(contract.primary_key[0], descending),)
        return tuple(
            SortColumn(column.name, column.descending, self._nullable(column.name))
            for column in full_order(contract, named)
        )

    def _nullable(self, name: str) -> bool:
        return name not in self.contract.primary_key and (
            not self.contract.field(name).required or self.contract.mode is WriteMode.UPSERT
        )

    def key_types(self) -> tuple[ColumnType, ...]:
        """The types of the primary key's columns, in order."""
        return tuple(column_kind(self.contract, name) for name in self.contract.primary_key)


def column_kind(contract: Contract, name: str) -> ColumnType:
    """The type of a field or system column."""
    return SYSTEM_TYPES.get(name) or contract.field(name).type


@lru_cache(maxsize=1024)
def visible_schema(contract: Contract, columns: tuple[str, ...] | None) -> VisibleSchema:
    """The schema visible through a grant with these columns; None means every unrestricted field."""
    if columns is None:
        return VisibleSchema(contract, contract.unrestricted)
    offered = [*contract.fields, *([EXTRA_FIELD] if contract.unknown_fields is UnknownFieldsPolicy.KEEP else [])]
    return VisibleSchema(contract, tuple(field for field in offered if field.name in columns))
