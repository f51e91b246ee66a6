"""The properties of a column type: a row of the table in `types`."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final

import msgspec

from apps.datasets.core.column_types.checks import FieldChecks
from apps.datasets.core.column_types.constraints import Arguments, Constraints, ValueCheck, always
from apps.datasets.core.column_types.literals import Literal
from apps.datasets.core.column_types.number_text import TextCheck

COLUMN: Final = "{0}"
"""The column itself: PostgreSQL's own JSON, CSV or text form is also the contract's."""

Width = Callable[[Arguments], int | None]
"""The maximum length of a value as JSON, given the type's modifiers; None if it depends on the value."""


def up_to(characters: int | None) -> Width:
    """The same width for all modifiers."""
    return lambda _args: characters


UNCONSTRAINED: Final = always()
PLAIN_WIDTH: Final = up_to(40)
"""No fixed-size number, time, uuid or boolean is longer as JSON."""


@dataclass(frozen=True, slots=True)
class TypeModifiers:
    """The modifiers of a type: how many at most, their rule, and whether given ones satisfy it.

    `widen` decides whether a column can change from some modifiers to others by a catalog update only.
    """

    most: int
    rule: str
    fit: Callable[..., bool]
    widen: Callable[[Arguments, Arguments], bool]


@dataclass(frozen=True, slots=True, eq=False)
class TypeSpec:
    """A PostgreSQL type. SQL is a template: {0} is the column.

    name, aliases, modifiers: as in a physicalType.
    wire: psycopg's name for it.
    logical: its ODCS logical types.
    python: the class of its values; msgspec.Raw for a document, which stays JSON text.
    example: a value as JSON.
    literal: validates a URL's text for a cast in PostgreSQL, see `literals`; None if values have no order.

    decode: converts a JSON string if msgspec does not know the class; raises ValueError.
    low, high: the inclusive range of a number.
    options: the logicalTypeOptions that are checked, and their attribute of FieldChecks.
    constraints, check: what msgspec checks of a value, and what it cannot express.
    text_check: the check of its JSON text, for what the value has lost.
    cut: for a value with fractions of a second, the class and the function that cut them.

    as_json: from a literal to a record's JSON.
    json_sql, csv_sql, text_sql: the value in a record's JSON, in a CSV cell, and as text of a key or position.
    beginning_sql: the first {1} characters or bytes of a large value, for a preview.
    width, size_sql: the bytes of a value as JSON, from its type or else estimated from the value.
    grows: PostgreSQL may print it with many more digits than it stores.

    arrayable: whether a column may be an array of it: PostgreSQL's own form of the elements is used.
    exact: whether equality is exact, so that it can be a key.
    event_time: whether it can be the event time.
    widens_to: the types a column of it can change to by a catalog update only.
    """

    name: str
    wire: str
    logical: tuple[str, ...]
    python: type
    example: str
    _: KW_ONLY
    literal: Literal | None
    aliases: tuple[str, ...] = ()
    modifiers: TypeModifiers | None = None
    decode: Callable[[str], Any] | None = None
    low: float | int | None = None
    high: float | int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    constraints: Constraints = UNCONSTRAINED
    check: Callable[[FieldChecks, Arguments, str], ValueCheck] | None = None
    text_check: TextCheck | None = None
    cut: tuple[type, Callable[[str], Any]] | None = None
    as_json: Callable[[str], bytes] = msgspec.json.encode
    json_sql: str = COLUMN
    csv_sql: str = COLUMN
    text_sql: str = "{0}::text"
    beginning_sql: str = COLUMN
    width: Width = PLAIN_WIDTH
    size_sql: str = ""
    grows: bool = False
    arrayable: bool = True
    exact: bool = True
    event_time: bool = False
    widens_to: tuple[str, ...] = ()

    @property
    def ordered(self) -> bool:
        """Whether values can be compared."""
        return self.literal is not None

    @property
    def document(self) -> bool:
        """Whether a value is any JSON."""
        return self.python is msgspec.Raw
