"""What is known of a column type: the row of the table in `types`."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final

import msgspec

from apps.datasets.core.column_types.checks import FieldChecks
from apps.datasets.core.column_types.constraints import Arguments, Constraints, ValueCheck, always
from apps.datasets.core.column_types.literals import Literal

COLUMN: Final = "{0}"
"""The column as it is: PostgreSQL's own JSON, CSV or text of it is the contract's."""

Width = Callable[[Arguments], int | None]
"""The longest that a value of a type with these numbers in modifiers can be as JSON; None where only it can tell."""


def up_to(characters: int | None) -> Width:
    """The same width whatever stands in modifiers."""
    return lambda _args: characters


UNCONSTRAINED: Final = always()
PLAIN_WIDTH: Final = up_to(40)
"""No number of a fixed size, time, uuid or boolean is longer as JSON."""


@dataclass(frozen=True, slots=True)
class TypeModifiers:
    """The numbers that may stand in modifiers: how many at most, the rule, whether they keep it.

    `widen` says whether a column goes from some of them to others by a change of PostgreSQL's catalogue alone.
    """

    most: int
    rule: str
    fit: Callable[..., bool]
    widen: Callable[[Arguments, Arguments], bool]


@dataclass(frozen=True, slots=True, eq=False)
class TypeSpec:
    """A PostgreSQL type. What is written as SQL is a template: {0} stands for the column.

    name, aliases, modifiers: as a physicalType has it.
    wire: the name psycopg knows it by.
    logical: the ODCS logical types it serves.
    python: the class of its values; msgspec.Raw for a document, which stays the JSON text it is.
    example: a value as JSON.
    literal: from the text of an address to one that PostgreSQL casts, see `literals`; None where values have no order.

    decode: makes the value of JSON's string where msgspec does not know the class; raises ValueError.
    low, high: the inclusive range of a number.
    options: the words of logicalTypeOptions that are checked, and their attribute of FieldChecks.
    constraints, check: what msgspec checks of a value, and what it cannot.

    as_json: from a literal to the JSON that a record has.
    json_sql, csv_sql, text_sql: the value in a record's JSON, in a cell of CSV, and as the text of a key or position.
    beginning_sql: the first {1} characters or bytes of what may be large, for somebody who only looks.
    width, size_sql: the bytes of a value as JSON by its type, or else about as many by the value.
    grows: PostgreSQL may write it with many more digits than it is stored in.

    arrayable: whether columns may be arrays of it: an element leaves PostgreSQL in PostgreSQL's own form.
    exact: whether two values are equal or not beyond doubt, so that it can be a key.
    event_time: whether it can be the event time.
    widens_to: the types that a column of it becomes by a change of PostgreSQL's catalogue alone.
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
