"""The column types that a contract may use, as one table: a row has everything about its type."""

import datetime
import decimal
import re
import uuid
from dataclasses import dataclass
from typing import Final

import msgspec

from apps.datasets.core.column_types import literals, second_fractions
from apps.datasets.core.column_types.checks import NUMBERS, TEXTS
from apps.datasets.core.column_types.constraints import (
    Arguments,
    always,
    decimal_check,
    float_bounds,
    instant_check,
    integer_bounds,
    text_lengths,
)
from apps.datasets.core.column_types.literals import Literal, parsed
from apps.datasets.core.column_types.number_length import DIGITS_SQL
from apps.datasets.core.column_types.number_text import DOUBLE_TEXT, NUMERIC_TEXT, REAL_TEXT, TextCheck
from apps.datasets.core.column_types.type_spec import TypeModifiers, TypeSpec, up_to

TYPE_TEXT: Final = re.compile(
    r"""\s* (?P<name>[a-z][a-z0-9 ]*?) \s* (\(\s*(?P<args>[0-9, ]+)\))? \s*
        (?P<tail>with(out)?\ time\ zone)? \s* (?P<array>\[\s*\])? \s*""",
    re.VERBOSE,
)

LARGEST_REAL: Final = 3.4028235677973362e38
"""The largest double that rounds to a 4-byte float: it is commonly written as 3.4028235e38."""

MAX_TYPE_TEXT: Final = 100
"""Maximum characters of a physicalType, far more than any needs."""

BASE64: Final = "translate(encode({0}, 'base64'), chr(10), '')"
"""Bytes in the JSON form of the contract; PostgreSQL wraps its base64 into lines."""
BEGINNING: Final = "left({0}::text, {1})"


def _integer(name: str, wire: str, bits: int, *aliases: str) -> TypeSpec:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return TypeSpec(
        name, wire, ("integer",), int, "-7", aliases=aliases, low=low, high=high, literal=literals.integer(low, high),
        options=NUMBERS, constraints=integer_bounds(low, high), as_json=str.encode,
    )  # fmt: skip


def _float(
    name: str, wire: str, literal: Literal, text_check: TextCheck, *aliases: str, largest: float | None = None
) -> TypeSpec:
    low, high = None if largest is None else -largest, largest
    return TypeSpec(
        name, wire, ("number",), float, "1.5", aliases=aliases, low=low, high=high, literal=literal,
        options=NUMBERS, constraints=float_bounds(low, high), text_check=text_check, as_json=str.encode, exact=False,
    )  # fmt: skip


def _text(
    name: str, *aliases: str, modifiers: TypeModifiers | None = None, widens_to: tuple[str, ...] = ()
) -> TypeSpec:
    return TypeSpec(
        name, name, ("string",), str, '"Ada, “the first”"', aliases=aliases, modifiers=modifiers, literal=str,
        options=TEXTS, constraints=text_lengths, beginning_sql=BEGINNING, width=up_to(None),
        size_sql="octet_length({0})", widens_to=widens_to,
    )  # fmt: skip


def _longer(before: Arguments, after: Arguments) -> bool:
    return not after or bool(before and before[0] <= after[0])


def _more_digits(before: Arguments, after: Arguments) -> bool:
    same_scale = bool(before and after and (*before, 0)[1] == (*after, 0)[1])
    return not after or (same_scale and before[0] <= after[0])


LENGTH: Final = TypeModifiers(
    1, "varchar(n) wants 1 ≤ n ≤ 10485760", fit=lambda length: 1 <= length <= 10_485_760, widen=_longer
)
DIGITS: Final = TypeModifiers(
    2, "numeric(p,s) wants 1 ≤ p ≤ 1000 and 0 ≤ s ≤ p",
    fit=lambda precision, scale=0: 1 <= precision <= 1000 and 0 <= scale <= precision, widen=_more_digits,
)  # fmt: skip

TYPES: Final = (
    _integer("smallint", "int2", 16, "int2"),
    _integer("integer", "int4", 32, "int", "int4"),
    _integer("bigint", "int8", 64, "int8"),
    TypeSpec(
        "numeric", "numeric", ("number", "integer"), decimal.Decimal, "12.50", aliases=("decimal",), modifiers=DIGITS,
        literal=literals.number, options=NUMBERS, check=decimal_check, text_check=NUMERIC_TEXT,
        width=lambda args: args[0] + 3 if args else None, size_sql=DIGITS_SQL, grows=True,
    ),
    _float("real", "float4", literals.real, REAL_TEXT, "float4", largest=LARGEST_REAL),
    _float("double precision", "float8", literals.double, DOUBLE_TEXT, "float8", "double", "float"),
    TypeSpec(
        "boolean", "bool", ("boolean",), bool, "true", aliases=("bool",),
        literal=literals.boolean, as_json=str.encode, csv_sql="{0}::text",
    ),
    _text("text", "string"),
    _text("varchar", "character varying", modifiers=LENGTH, widens_to=("text",)),
    TypeSpec(
        "uuid", "uuid", ("string",), uuid.UUID, '"0b56d3f4-6a0e-4b6c-9d3e-2f1f5c7a9e10"',
        literal=parsed(uuid.UUID, "not a UUID"),
    ),
    TypeSpec(
        "bytea", "bytea", ("string",), bytes, '"AP/+"',
        literal=literals.base64_bytes, as_json=literals.base64_json, json_sql=BASE64, csv_sql=BASE64, text_sql=BASE64,
        beginning_sql="substr({0}, 1, {1})", width=up_to(None), size_sql="octet_length({0})::bigint * 4 / 3",
        arrayable=False,
    ),
    TypeSpec(
        "date", "date", ("date",), datetime.date, '"2013-01-31"', event_time=True,
        literal=parsed(datetime.date.fromisoformat, "not a date such as 2013-01-31"),
    ),
    TypeSpec(
        "time", "time", ("time",), datetime.time, '"05:17:00"', aliases=("time without time zone",),
        literal=literals.time_of_day, constraints=always(tz=False), cut=second_fractions.TIME_OF_DAY,
    ),
    TypeSpec(
        "timestamptz", "timestamptz", ("timestamp", "date"), datetime.datetime, '"2013-01-31T05:17:00.25+02:00"',
        aliases=("timestamp with time zone",), event_time=True,
        literal=literals.instant, constraints=always(tz=True), check=instant_check, cut=second_fractions.INSTANT,
    ),
    TypeSpec(
        "timestamp", "timestamp", ("timestamp", "date"), datetime.datetime, '"2013-01-31T05:17:00"',
        aliases=("timestamp without time zone",), event_time=True,
        literal=literals.wall_time, constraints=always(tz=False), cut=second_fractions.WALL_TIME,
    ),
    TypeSpec(
        "jsonb", "jsonb", ("object", "array"), msgspec.Raw, '{"seat": [12, "A"]}', aliases=("json",), literal=None,
        beginning_sql=BEGINNING, width=up_to(None), grows=True, arrayable=False,
    ),
)  # fmt: skip

BY_NAME: Final = {name: spec for spec in TYPES for name in (spec.name, *spec.aliases)}

DEFAULT_PHYSICAL: Final = {
    "string": "text",
    "date": "date",
    "timestamp": "timestamptz",
    "time": "time",
    "number": "numeric",
    "integer": "bigint",
    "object": "jsonb",
    "array": "jsonb",
    "boolean": "boolean",
}
"""The default physical type of each logical type. Source: ODCS v3 logical types."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a column: the spec, its modifiers, and whether it is an array."""

    spec: TypeSpec
    args: Arguments = ()
    array: bool = False

    @property
    def sql(self) -> str:
        """The type in PostgreSQL's syntax, for example numeric(12,2) or text[]."""
        args = f"({','.join(map(str, self.args))})" if self.args else ""
        return f"{self.spec.name}{args}{'[]' if self.array else ''}"

    @property
    def wire(self) -> str:
        """The type's name in psycopg's registry."""
        return self.spec.wire + ("[]" if self.array else "")

    @property
    def ordered(self) -> bool:
        """Whether values can be compared for range filters and orders."""
        return self.spec.ordered and not self.array


def column_type(logical: str, physical: str | None) -> ColumnType:
    """The column type for an ODCS logical and physical type.

    Raises ValueError: the message is the rule that the pair violates.
    """
    # Collapse runs of spaces, which the parts of TYPE_TEXT could share in many ways.
    text = " ".join((physical or DEFAULT_PHYSICAL.get(logical, "")).lower().split())
    match = TYPE_TEXT.fullmatch(text) if len(text) <= MAX_TYPE_TEXT else None
    name = " ".join(filter(None, (match["name"], match["tail"]))) if match else ""
    spec = BY_NAME.get(name)
    if match is None or spec is None:
        raise ValueError(
            f"physicalType {(physical or logical)[:MAX_TYPE_TEXT]!r} is not one of {', '.join(s.name for s in TYPES)}"
        )
    args = tuple(int(arg) for arg in (match["args"] or "").split(",") if arg.strip())
    array = bool(match["array"])
    _check_arguments(spec, args, array=array)
    if array and logical != "array":
        raise ValueError(f"physicalType {physical!r} is an array, logicalType {logical!r} is not")
    if not array and logical not in spec.logical:
        raise ValueError(f"logicalType {logical!r} does not fit physicalType {spec.name!r}")
    return ColumnType(spec, args, array)


def _check_arguments(spec: TypeSpec, args: Arguments, *, array: bool) -> None:
    most = spec.modifiers.most if spec.modifiers else 0
    if len(args) > most:
        raise ValueError(f"{spec.name} takes at most {most} numbers in parentheses")
    if spec.modifiers and args and not spec.modifiers.fit(*args):
        raise ValueError(spec.modifiers.rule)
    if array and not spec.arrayable:
        raise ValueError(f"{spec.name}[] is not supported")
