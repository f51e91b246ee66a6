"""The table of lookups: `field[gte]=…`."""

import csv
from dataclasses import dataclass
from typing import Final

from apps.api.records.core.literals import literal
from apps.datasets.core.column_types.types import ColumnType

MAX_CHOICES: Final = 1000
"""Maximum values of `in`; split more into several requests."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A comparison: its name in the URL, Django's lookup, and its meaning.

    `many` accepts comma-separated values, `flag` true or false; `inverted` selects all other rows, including NULL.
    """

    name: str
    orm: str
    meaning: str
    many: bool = False
    flag: bool = False
    inverted: bool = False

    def values(self, kind: ColumnType, text: str) -> tuple[str, ...]:
        """The parsed values, valid for the column's type. Raises ValueError: the message is the broken rule."""
        if self.flag:
            if text not in {"true", "false"}:
                raise ValueError("not true or false")
            return (text,)
        if not self.many:
            return (literal(kind, text),)
        parts = _comma_separated(text)
        if len(parts) > MAX_CHOICES:
            raise ValueError(f"more than {MAX_CHOICES} values")
        return tuple(literal(kind, part) for part in parts)


def _comma_separated(text: str) -> list[str]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error:
        raise ValueError('a list with unbalanced quotes; write "a,b",c for two values') from None
    return rows[0] if rows and rows[0] else [""]


LOOKUPS: Final = (
    Lookup("eq", "exact", "equal to; the default"),
    Lookup("ne", "exact", "not equal to, including null", inverted=True),
    Lookup("gt", "gt", "greater than"),
    Lookup("gte", "gte", "greater than or equal to"),
    Lookup("lt", "lt", "less than"),
    Lookup("lte", "lte", "less than or equal to"),
    Lookup("in", "in", 'one of, comma-separated; put a value with a comma in "quotes"', many=True),
    Lookup("isnull", "isnull", "true: null, false: not null", flag=True),
)

BY_NAME: Final = {lookup.name: lookup for lookup in LOOKUPS}
