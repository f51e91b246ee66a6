"""The formats of exports as one table: a row has its own address, and a place in the OpenAPI document and its page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apps.api.records.adapters.output_expressions import csv_expression
from apps.datasets.core.column_types.types import ColumnType


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFormat:
    """A format: what addresses, prose, the OpenAPI document and HTTP call it, and how PostgreSQL writes it.

    `suffix` ends the address and the file's name; `content_type` has the media type's parameters, too.
    `cell` gives a column's cell as SQL, from its type and SQL. `copy` is the COPY of a file: `{rows}` stands for the
    query that has a row per record and a cell per field, named as the field; header, delimiter and whatever else
    frames the rows are COPY's options or stand around it. A file that fails half-way ends with a broken connection.
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
