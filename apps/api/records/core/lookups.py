"""What may stand in brackets behind a field: `field[gte]=…`, as one table."""

import csv
from dataclasses import dataclass
from typing import Final

from apps.api.records.core.literals import literal
from apps.datasets.core.column_types.types import ColumnType

MAX_CHOICES: Final = 1000
"""Values that `in` takes; more belong into several requests."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """A comparison: its word in the address, Django's word for it, and what it means.

    `many` takes comma-separated values, `flag` true or false, `inverted` gives all other rows, NULL included.
    """

    name: str
    orm: str
    meaning: str
    many: bool = False
    flag: bool = False
    inverted: bool = False

    def values(self, kind: ColumnType, text: str) -> tuple[str, ...]:
        """The values of the text, checked against the column's type. Raises ValueError: the rule."""
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
        raise ValueError('quotes do not match; write "a,b",c for two values') from None
    return rows[0] if rows and rows[0] else [""]


LOOKUPS: Final = (
    Lookup("eq", "exact", "equal; the same as no brackets"),
    Lookup("ne", "exact", "anything else, null included", inverted=True),
    Lookup("gt", "gt", "more than"),
    Lookup("gte", "gte", "at least"),
    Lookup("lt", "lt", "less than"),
    Lookup("lte", "lte", "at most"),
    Lookup("in", "in", 'one of, comma-separated; a value with a comma stands in "quotes"', many=True),
    Lookup("isnull", "isnull", "true: null, false: not null", flag=True),
)

BY_NAME: Final = {lookup.name: lookup for lookup in LOOKUPS}
