"""Exports of a dataset's records: from query parameters to a stream of bytes."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from apps.api.access.selectors import AccessScope, visible_rows
from apps.api.exports.export_stream import ExportStream
from apps.api.exports.formats import ExportFormat
from apps.api.records.adapters.sizes import OVERSIZED, exceeds_export_limit, may_expand
from apps.api.records.adapters.statements import Statement, apply_filters, column_sql, order_by, select_columns
from apps.api.records.core.query import RecordsQuery, export_query
from apps.datasets.core.contract.contract import ContractField
from apps.datasets.core.contract.identifiers import quote_identifier, quote_literal


def records_export(access: AccessScope, pairs: Iterable[tuple[str, str]], export_format: ExportFormat) -> ExportStream:
    """The started export. Raises ParameterInvalid, ActionForbidden, and what ExportStream raises."""
    rows = visible_rows(access)
    statement = export_statement(rows, export_query(access.schema, pairs), export_format)
    return ExportStream(statement, access.dataset.name)


def export_statement(rows: QuerySet[Any], query: RecordsQuery, export_format: ExportFormat) -> Statement:
    """The COPY of the rows: one column per field, named as in the contract."""
    contract = query.schema.contract
    rows = apply_filters(rows, query).order_by(*order_by(query))
    selection = select_columns(rows, contract, [field.name for field in query.fields])
    expanding = sum(may_expand(field.type) for field in query.fields)
    cells = ", ".join(
        f"{_cell(export_format, field, column_sql(contract, field.name), expanding=expanding)}"
        f" AS {quote_identifier(field.name)}"
        for field in query.fields
    )
    return Statement(
        export_format.copy.format(rows=f"SELECT {cells} FROM ({selection.sql}) AS t"),  # noqa: S608  names are quoted
        selection.params,
    )


def _cell(export_format: ExportFormat, field: ContractField, column: str, *, expanding: int) -> str:
    """The column as a cell; if its text would be too large, a cast that fails and names the field."""
    cell = export_format.cell(field.type, column)
    if not may_expand(field.type):
        return cell
    # Depends on the row's value: PostgreSQL would evaluate a constant cast before reading any row.
    message = f"{quote_literal(OVERSIZED + field.name)} || left(pg_column_size({column})::text, 0)"
    too_large = exceeds_export_limit(field.type, column, expanding)
    return f"CASE WHEN ({too_large}) IS NOT TRUE THEN {cell} WHEN ({message})::integer = 0 THEN NULL END"
