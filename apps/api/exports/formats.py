"""The table of export formats. Each row gets its own URL and an entry in the OpenAPI document."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apps.api.records.adapters.output_expressions import csv_expression
from apps.datasets.core.column_types.types import ColumnType


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """An export format: its names, and how PostgreSQL writes it.

    `suffix` ends the URL and the file name. `content_type` includes the media type's parameters. `cell` returns a
    cell's SQL from the type and SQL of its column. `copy` is the COPY statement: `{rows}` is a query with
    one row per record and one column per field, named like the field. Header and delimiter are options of COPY. An
    export that fails halfway breaks the connection.
    """

    suffix: str
    name: str
    operation_id: str
    content_type: str
    cell: Callable[[ColumnType, str], str]
    copy: str

    @property
    def media_type(self) -> str:
        """The media type without its parameters."""
        return self.content_type.partition(";")[0]


EXPORT_FORMATS: Final = (
    ExportFormat(
        suffix="csv",
        name="CSV",
        operation_id="exportRecords",
        content_type="text/csv; charset=utf-8; header=present",
        cell=csv_expression,
        copy="COPY ({rows}) TO STDOUT (FORMAT csv, HEADER)",
    ),
)
