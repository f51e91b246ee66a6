"""How each type leaves PostgreSQL: in JSON as a contract reads it, in CSV, and as the text of a key."""

from collections.abc import Sequence

from apps.datasets.core.column_types.types import ColumnType
from apps.datasets.core.contract.identifiers import quote_identifier


def json_expression(kind: ColumnType, column: str) -> str:
    """What row_to_json is given of the column."""
    return column if kind.array else kind.spec.json_sql.format(column)


def text_expression(kind: ColumnType, column: str) -> str:
    """The column's value as the text that a key or a position keeps."""
    return f"{column}::text" if kind.array else kind.spec.text_sql.format(column)


def csv_expression(kind: ColumnType, column: str) -> str:
    """The column as a cell of CSV: arrays as JSON."""
    return f"to_json({column})" if kind.array else kind.spec.csv_sql.format(column)


def json_columns(columns: Sequence[tuple[str, ColumnType, str]]) -> str:
    """The select list of a record, from name, type and SQL of each column."""
    return ", ".join(f"{json_expression(kind, column)} AS {quote_identifier(name)}" for name, kind, column in columns)


def key_array(columns: Sequence[tuple[ColumnType, str]]) -> str:
    """A JSON array of the columns' texts, itself as text."""
    return f"json_build_array({', '.join(text_expression(kind, column) for kind, column in columns)})::text"
