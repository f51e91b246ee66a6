"""The column types that a contract may ask for, as one table."""

import datetime
import decimal
import re
import uuid
from dataclasses import dataclass
from typing import Final

import msgspec

TYPE_TEXT: Final = re.compile(
    r"""\s* (?P<name>[a-z][a-z0-9 ]*?) \s* (\(\s*(?P<args>[0-9, ]+)\))? \s*
        (?P<tail>with(out)?\ time\ zone)? \s* (?P<array>\[\s*\])? \s*""",
    re.VERBOSE,
)

LARGEST_REAL: Final = 3.4028235677973362e38
"""The largest double that four bytes hold when it is rounded: everybody writes their largest as 3.4028235e38."""

MAX_TYPE_TEXT: Final = 100
"""Characters of a physicalType, far more than any needs."""


@dataclass(frozen=True, slots=True)
class TypeSpec:
    """A PostgreSQL type: its names, the ODCS logical types it serves, and the Python type of its values.

    `wire` is the name psycopg knows it by, `max_args` how many numbers may stand in brackets,
    `low` and `high` the inclusive range of a number.
    """

    name: str
    wire: str
    logical: tuple[str, ...]
    python: type
    aliases: tuple[str, ...] = ()
    max_args: int = 0
    low: float | int | None = None
    high: float | int | None = None
    ordered: bool = True
    arrayable: bool = True


TYPES: Final = (
    TypeSpec("smallint", "int2", ("integer",), int, ("int2",), low=-(2**15), high=2**15 - 1),
    TypeSpec("integer", "int4", ("integer",), int, ("int", "int4"), low=-(2**31), high=2**31 - 1),
    TypeSpec("bigint", "int8", ("integer",), int, ("int8",), low=-(2**63), high=2**63 - 1),
    TypeSpec("numeric", "numeric", ("number", "integer"), decimal.Decimal, ("decimal",), max_args=2),
    TypeSpec(
        "real",
        "float4",
        ("number",),
        float,
        ("float4",),
        low=-LARGEST_REAL,
        high=LARGEST_REAL,
    ),
    TypeSpec("double precision", "float8", ("number",), float, ("float8", "double", "float")),
    TypeSpec("boolean", "bool", ("boolean",), bool, ("bool",)),
    TypeSpec("text", "text", ("string",), str, ("string",)),
    TypeSpec("varchar", "varchar", ("string",), str, ("character varying",), max_args=1),
    TypeSpec("uuid", "uuid", ("string",), uuid.UUID),
    TypeSpec("bytea", "bytea", ("string",), bytes, arrayable=False),
    TypeSpec("date", "date", ("date",), datetime.date),
    TypeSpec("time", "time", ("time",), datetime.time, ("time without time zone",)),
    TypeSpec("timestamptz", "timestamptz", ("timestamp", "date"), datetime.datetime, ("timestamp with time zone",)),
    TypeSpec("timestamp", "timestamp", ("timestamp", "date"), datetime.datetime, ("timestamp without time zone",)),
    TypeSpec("jsonb", "jsonb", ("object", "array"), msgspec.Raw, ("json",), ordered=False, arrayable=False),
)

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
"""The physical type of a property that names only its logical one. Source: ODCS v3 logical types."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """A type as a column has it: the spec, its numbers in brackets, and whether it is an array of it."""

    spec: TypeSpec
    args: tuple[int, ...] = ()
    array: bool = False

    @property
    def sql(self) -> str:
        """The type in PostgreSQL's words, for example numeric(12,2) or text[]."""
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

    Raises ValueError: the message is the rule that the pair breaks.
    """
    # Runs of spaces, which could be shared out among the parts of TYPE_TEXT in many ways, are made one.
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
        raise ValueError(f"logicalType {logical!r} does not go with physicalType {spec.name!r}")
    return ColumnType(spec, args, array)


def _check_arguments(spec: TypeSpec, args: tuple[int, ...], *, array: bool) -> None:
    if len(args) > spec.max_args:
        raise ValueError(f"{spec.name} takes at most {spec.max_args} numbers in brackets")
    if spec.name == "numeric" and args:
        precision, scale = args[0], args[1] if len(args) > 1 else 0
        if not (1 <= precision <= 1000 and 0 <= scale <= precision):
            raise ValueError("numeric(p,s) wants 1 ≤ p ≤ 1000 and 0 ≤ s ≤ p")
    if spec.name == "varchar" and args and not 1 <= args[0] <= 10_485_760:
        raise ValueError("varchar(n) wants 1 ≤ n ≤ 10485760")
    if array and not spec.arrayable:
        raise ValueError(f"{spec.name}[] is not supported")
