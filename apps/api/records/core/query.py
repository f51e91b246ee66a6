"""The parameters of a records request, checked against what the key may see."""

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
PAGE_WORDS: Final = ("fields", "order", "limit", "cursor")
EXPORT_WORDS: Final = ("fields", "order")


@dataclass(frozen=True, slots=True)
class RecordFilter:
    """One comparison of a visible field with values that PostgreSQL can cast to its type."""

    field: ContractField
    lookup: Lookup
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordsQuery:
    """A checked request for records. `sort` is complete; empty stands for any order (exports only)."""

    schema: VisibleSchema
    fields: tuple[ContractField, ...]
    filters: tuple[RecordFilter, ...] = ()
    sort: Sort = ()
    limit: int = DEFAULT_LIMIT
    cursor: str = ""

    @property
    def fingerprint(self) -> str:
        """What a cursor is bound to: dataset, filters and order; fields and limit may change on the way."""
        filters = sorted((item.field.name, item.lookup.name, item.values) for item in self.filters)
        sort = [(column.name, column.descending) for column in self.sort]
        return msgspec.json.encode([self.schema.contract.name, filters, sort]).decode()


def page_query(schema: VisibleSchema, pairs: Iterable[tuple[str, str]]) -> RecordsQuery:
    """The query of one page. Raises ParameterInvalid: names the parameter and what it may be."""
    words, filters = _split(schema, pairs, PAGE_WORDS)
    return RecordsQuery(
        schema,
        fields=_fields(schema, words.get("fields")),
        filters=filters,
        sort=_sort(schema, words.get("order")),
        limit=_limit(words.get("limit")),
        cursor=words.get("cursor", ""),
    )


def export_query(schema: VisibleSchema, pairs: Iterable[tuple[str, str]]) -> RecordsQuery:
    """The query of an export: every row, sorted only when asked. Raises ParameterInvalid."""
    words, filters = _split(schema, pairs, EXPORT_WORDS)
    order = words.get("order")
    return RecordsQuery(
        schema,
        fields=_fields(schema, words.get("fields"), with_id=False),
        filters=filters,
        sort=_sort(schema, order) if order is not None else (),
    )


def item_fields(schema: VisibleSchema, pairs: Iterable[tuple[str, str]]) -> tuple[ContractField, ...]:
    """The fields of a request for one record. Raises ParameterInvalid."""
    words: dict[str, str] = {}
    for name, text in pairs:
        if name != "fields" or name in words:
            raise ParameterInvalid(f"one record takes the parameter fields, once, and no {name!r}", parameter=name)
        words[name] = text
    return _fields(schema, words.get("fields"))


def _split(
    schema: VisibleSchema, pairs: Iterable[tuple[str, str]], allowed: tuple[str, ...]
) -> tuple[Mapping[str, str], tuple[RecordFilter, ...]]:
    words: dict[str, str] = {}
    filters: dict[str, RecordFilter] = {}
    for name, text in pairs:
        if name in words or name in filters:
            raise ParameterInvalid(f"{name!r} stands there twice", parameter=name)
        if name in allowed:
            words[name] = text
        elif name in PAGE_WORDS:
            # Also where it is a field's name: the same address must not mean two things.
            raise ParameterInvalid(f"{name!r} is for pages; a field of this name is {name}[eq]", parameter=name)
        else:
            filters[name] = _filter(schema, name, text, allowed)
    return words, tuple(filters.values())


def _filter(schema: VisibleSchema, parameter: str, text: str, allowed: tuple[str, ...]) -> RecordFilter:
    match = BRACKETS.fullmatch(parameter)
    name = match["field"] if match else parameter
    field = schema.field(name)
    if field is None or name not in schema.filterable:
        raise ParameterInvalid(_no_filter(schema, name, allowed, exists=field is not None), parameter=parameter)
    lookup = BY_NAME.get(match["lookup"] if match else "eq")
    if lookup is None:
        words = ", ".join(item.name for item in LOOKUPS)
        raise ParameterInvalid(f"the brackets may hold {words}", parameter=parameter)
    try:
        return RecordFilter(field, lookup, lookup.values(field.type, text))
    except ValueError as error:
        raise ParameterInvalid(
            f"the value for {parameter!r} ({field.type.sql}) is {error}", parameter=parameter
        ) from None


def _no_filter(schema: VisibleSchema, name: str, allowed: tuple[str, ...], *, exists: bool) -> str:
    begin = f"{name[:63]!r} has no index to filter by" if exists else f"there is no field {name[:63]!r}"
    offered = ", ".join(schema.filterable) or "no field"
    return f"{begin}; filters: {offered}; other parameters: {', '.join(allowed)}"


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
            raise ParameterInvalid(f"there is no field {name[:63]!r}; fields: {offered}", parameter="fields")
    if len(set(names)) < len(names):
        raise ParameterInvalid("a field stands there twice", parameter="fields")
    return tuple(chosen.values())


def _sort(schema: VisibleSchema, text: str | None) -> Sort:
    if text is None or text in {ID, f"-{ID}"}:
        return schema.sort((), descending=bool(text) and text == f"-{ID}")
    order = tuple(OrderColumn(part.removeprefix("-"), part.startswith("-")) for part in text.split(","))
    if order in schema.orders or _reversed(order) in schema.orders:
        return schema.sort(order)
    offered = ", ".join(f"{order_text(order)!r}" for order in schema.orders)
    raise ParameterInvalid(
        f"there is no such order; orders, each also exactly reversed: '{ID}'{offered and f', {offered}'}",
        parameter="order",
    )


def _reversed(order: Order) -> Order:
    return tuple(OrderColumn(column.name, not column.descending) for column in order)


def order_text(order: Order) -> str:
    """The order as the parameter takes it."""
    return ",".join(f"{'-' if column.descending else ''}{column.name}" for column in order)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    raise ParameterInvalid(f"limit is a whole number from 1 to {MAX_LIMIT}", parameter="limit")
