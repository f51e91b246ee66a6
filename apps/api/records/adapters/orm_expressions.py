"""Expressions that Django lacks: a text that PostgreSQL casts, and the comparison of two rows."""

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, F, Func, TextField, Value

from apps.datasets.core.column_types.types import ColumnType


def cast_text(text: str, kind: ColumnType) -> Func:
    """The checked text as a value of the type, without its numbers in brackets: a cast must never cut.

    Text instead of Python values, because only PostgreSQL knows its own types exactly: a float8 compared
    with a real finds nothing.
    """
    return Func(Value(text), template=f"%(expressions)s::{kind.spec.name}", output_field=TextField())


class RowComparison(Func):
    """Whether the columns, as one row, come after the values: what one range of an index can serve."""

    output_field = BooleanField()

    def __init__(self, names: Sequence[str], values: Sequence[Func], *, descending: bool) -> None:
        super().__init__(*map(F, names), *values)
        self.sign = "<" if descending else ">"

    def as_sql(self, compiler: Any, connection: Any, **_context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """The comparison and its parameters."""
        parts = [compiler.compile(expression) for expression in self.source_expressions]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _ in side) for side in (parts[:half], parts[half:]))
        return f"({left}) {self.sign} ({right})", [item for _, params in parts for item in params]
