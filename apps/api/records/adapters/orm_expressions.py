"""Query expressions that Django lacks: a cast text and a row comparison."""

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, F, Func, TextField, Value

from apps.datasets.core.column_types.types import ColumnType


def cast_text(text: str, kind: ColumnType) -> Func:
    """The validated text cast to the type, without its modifier (length, precision): a cast must not truncate.

    Text instead of Python values, because only PostgreSQL represents its types exactly: a float8 parameter does
    not equal a real column.
    """
    return Func(Value(text), template=f"%(expressions)s::{kind.spec.name}", output_field=TextField())


class RowComparison(Func):
    """Whether the columns, compared as one row, come after the values. One index range can serve it."""

    output_field = BooleanField()

    def __init__(self, names: Sequence[str], values: Sequence[Func], *, descending: bool) -> None:
        super().__init__(*map(F, names), *values)
        self.sign = "<" if descending else ">"

    def as_sql(self, compiler: Any, connection: Any, **_context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """The row comparison and its parameters."""
        parts = [compiler.compile(expression) for expression in self.source_expressions]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _ in side) for side in (parts[:half], parts[half:]))
        return f"({left}) {self.sign} ({right})", [item for _, params in parts for item in params]
