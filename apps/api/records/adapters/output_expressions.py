"""SQL that outputs a column of each type: as JSON, as CSV, and as the text of a key."""

from collections.abc import Sequence

from apps.datasets.core.column_types.types import ColumnType
from apps.datasets.core.contract.identifiers import quote_identifier


def json_expression(kind: ColumnType, column: str) -> str:
    """The column as an argument of row_to_json."""
    return column if kind.array else kind.spec.json_sql.format(column)


def text_expression(kind: ColumnType, column: str) -> str:
    """The column as text, for a key or a position."""
    return f"{column}::text" if kind.array else kind.spec.text_sql.format(column)


def csv_expression(kind: ColumnType, column: str) -> str:
    """The column as a CSV cell; arrays as JSON."""
    return f"to_json({column})" if kind.array else kind.spec.csv_sql.format(column)


def json_columns(columns: Sequence[tuple[str, ColumnType, str]]) -> str:
    """A record's select list, from the name, type and SQL of each column."""
    return ", ".join(f"{json_expression(kind, column)} AS {quote_identifier(name)}" for name, kind, column in columns)


def key_array(columns: Sequence[tuple[ColumnType, str]]) -> str:
    """The columns' texts as a JSON array, cast to text."""
    return f"json_build_array({', '.join(text_expression(kind, column) for kind, column in columns)})::text"
