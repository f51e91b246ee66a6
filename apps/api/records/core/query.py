"""Parses query parameters and validates them against the visible schema."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from apps.api.access.visible_schema import ID, Sort, VisibleSchema
from apps.api.errors import ParameterInvalid
from apps.api.records.core.lookups import BY_NAME, LOOKUPS, Lookup
from apps.datasets.core.contract.contract import ContractField, Order, OrderColumn

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000
BRACKETS: Final = re.compile(r"(?P<field>.+)\[(?P<lookup>[^\[\]]*)\]", re.DOTALL)
PAGE_PARAMETERS: Final = ("fields", "order", "limit", "cursor")
EXPORT_PARAMETERS: Final = ("fields", "order")


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """One lookup on a visible field, with values that PostgreSQL can cast to its type."""

    field: ContractField
    lookup: Lookup
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordsQuery:
    """A validated request for records. `sort` is a total order, or empty for any order (exports only)."""

    schema: VisibleSchema
    fields: tuple[ContractField, ...]
    filters: tuple[RecordFilter, ...] = ()
    sort: Sort = ()
    limit: int = DEFAULT_LIMIT
    cursor: str = ""

    @property
    def fingerprint(self) -> str:
        """What a cursor is bound to: dataset, filters and order. Fields and limit may change between pages."""
        filters = sorted((item.field.name, item.lookup.name, item.values) for item in self.filters)
        sort = [(column.name, column.descending) for column in self.sort]
        return msgspec.json.encode([self.schema.contract.name, filters, sort]).decode()


def page_query(schema: VisibleSchema, pairs: Iterable[tuple[str, str]]) -> RecordsQuery:
    """The query for one page. Raises ParameterInvalid, which names the parameter and the allowed values."""
    parameters, filters = _split(schema, pairs, PAGE_PARAMETERS)
    return RecordsQuery(
        schema,
        fields=_fields(schema, parameters.get("fields")),
        filters=filters,
        sort=_sort(schema, parameters.get("order")),
        limit=_limit(parameters.get("limit")),
        cursor=parameters.get("cursor", ""),
    )


def export_query(schema: VisibleSchema, pairs: Iterable[tuple[str, str]]) -> RecordsQuery:
    """The query for an export: every row, sorted only if requested. Raises ParameterInvalid."""
    parameters, filters = _split(schema, pairs, EXPORT_PARAMETERS)
    order = parameters.get("order")
    return RecordsQuery(
        schema,
        fields=_fields(schema, parameters.get("fields"), with_id=False),
        filters=filters,
        sort=_sort(schema, order) if order is not None else (),
    )


def item_fields(schema: VisibleSchema, pairs: Iterable[tuple[str, str]]) -> tuple[ContractField, ...]:
    """The fields requested for a single record. Raises ParameterInvalid."""
    parameters: dict[str, str] = {}
    for name, text in pairs:
        if name != "fields" or name in parameters:
            raise ParameterInvalid(f"a single record accepts only `fields`, once; remove {name!r}", parameter=name)
        parameters[name] = text
    return _fields(schema, parameters.get("fields"))


def _split(
    schema: VisibleSchema, pairs: Iterable[tuple[str, str]], allowed: tuple[str, ...]
) -> tuple[Mapping[str, str], tuple[RecordFilter, ...]]:
    parameters: dict[str, str] = {}
    filters: dict[str, RecordFilter] = {}
    for name, text in pairs:
        if name in parameters or name in filters:
            raise ParameterInvalid(f"parameter {name!r} is given more than once", parameter=name)
        if name in allowed:
            parameters[name] = text
        elif name in PAGE_PARAMETERS:
            # Even if a field has this name, so that a parameter never has two meanings.
            raise ParameterInvalid(
                f"{name!r} is only valid for pages; to filter by a field of this name, use {name}[eq]", parameter=name
            )
        else:
            filters[name] = _filter(schema, name, text, allowed)
    return parameters, tuple(filters.values())


def _filter(schema: VisibleSchema, parameter: str, text: str, allowed: tuple[str, ...]) -> RecordFilter:
    match = BRACKETS.fullmatch(parameter)
    name = match["field"] if match else parameter
    field = schema.field(name)
    if field is None or name not in schema.filterable:
        raise ParameterInvalid(_no_filter(schema, name, allowed, exists=field is not None), parameter=parameter)
    lookup = BY_NAME.get(match["lookup"] if match else "eq")
    if lookup is None:
        names = ", ".join(item.name for item in LOOKUPS)
        raise ParameterInvalid(f"unknown lookup; lookups: {names}", parameter=parameter)
    try:
        return RecordFilter(field, lookup, lookup.values(field.type, text))
    except ValueError as error:
        raise ParameterInvalid(
            f"the value for {parameter!r} ({field.type.sql}) is {error}", parameter=parameter
        ) from None


def _no_filter(schema: VisibleSchema, name: str, allowed: tuple[str, ...], *, exists: bool) -> str:
    error = f"{name[:63]!r} has no index for filtering" if exists else f"no field {name[:63]!r}"
    offered = ", ".join(schema.filterable) or "none"
    return f"{error}; filters: {offered}; other parameters: {', '.join(allowed)}"


def _fields(schema: VisibleSchema, text: str | None, *, with_id: bool = True) -> tuple[ContractField, ...]:
    if text is None:
        return schema.fields
    names = text.split(",")
    chosen: dict[str, ContractField] = {}
    for name in names:
        field = schema.field(name)
        if field is not None:
            chosen[name] = field
        elif name != ID or not with_id:
            offered = ", ".join(field.name for field in schema.fields)
            raise ParameterInvalid(f"no field {name[:63]!r}; fields: {offered}", parameter="fields")
    if len(set(names)) < len(names):
        raise ParameterInvalid("a field is listed more than once", parameter="fields")
    return tuple(chosen.values())


def _sort(schema: VisibleSchema, text: str | None) -> Sort:
    if text is None or text in {ID, f"-{ID}"}:
        return schema.sort((), descending=bool(text) and text == f"-{ID}")
    order = tuple(OrderColumn(part.removeprefix("-"), part.startswith("-")) for part in text.split(","))
    if order in schema.orders or _reversed(order) in schema.orders:
        return schema.sort(order)
    offered = ", ".join(f"{order_text(order)!r}" for order in schema.orders)
    raise ParameterInvalid(
        f"no such order; orders, each also in exact reverse: '{ID}'{offered and f', {offered}'}",
        parameter="order",
    )


def _reversed(order: Order) -> Order:
    return tuple(OrderColumn(column.name, not column.descending) for column in order)


def order_text(order: Order) -> str:
    """The order as a value of the `order` parameter."""
    return ",".join(f"{'-' if column.descending else ''}{column.name}" for column in order)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise ParameterInvalid(f"limit must be a whole number from 1 to {MAX_LIMIT}", parameter="limit")
