"""The read-only admin of ingest: positions of sources, and quarantined records."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from unfold.paginator import InfinitePaginator

from apps.datasets.core.contract.contract import EXTRA, Contract
from apps.datasets.core.errors import DatasetsError
from apps.datasets.core.record.raw_preview import escaped, preview_raw
from apps.datasets.read_only_admin import ReadOnlyAdmin
from apps.datasets.selectors import contract_version_get
from apps.ingest.models import Quarantine, Source

# A loose index scan on (dataset, reason): DISTINCT would read the entire table.
REASONS: Final = """
WITH RECURSIVE pair(dataset_id, reason) AS (
    (SELECT dataset_id, reason FROM public.ingest_quarantine ORDER BY 1, 2 LIMIT 1)
    UNION ALL
    SELECT following.* FROM pair CROSS JOIN LATERAL (
        SELECT dataset_id, reason FROM public.ingest_quarantine
        WHERE (dataset_id, reason) > (pair.dataset_id, pair.reason) ORDER BY 1, 2 LIMIT 1
    ) following
) SELECT DISTINCT reason FROM pair ORDER BY 1
"""


class ReasonFilter(admin.SimpleListFilter):
    """Filters by one of the reasons in the table."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute(REASONS)
            return [(reason, reason.replace("_", " ")) for (reason,) in cursor.fetchall()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Quarantine]) -> QuerySet[Quarantine]:
        return queryset.filter(reason=self.value()) if self.value() else queryset


@admin.register(Quarantine)
class QuarantineAdmin(ReadOnlyAdmin):
    """Quarantined records: the raw record, and why it did not become a row."""

    paginator = InfinitePaginator
    list_display = ("recorded_at", "dataset", "coordinates", "reason", "safe_field", "safe_message", "state")
    list_display_links = ("recorded_at", "coordinates")
    list_filter = ("dataset", ReasonFilter, "state")
    list_filter_sheet = False
    list_select_related = ("dataset",)
    ordering = ("-id",)
    fieldsets = (
        ("Reason", {"fields": (("reason", "full_field", "state"), "full_message", "full_faults", "sqlstate_code")}),
        ("Record", {"fields": ("value_preview", "key_preview", "headers_preview")}),
        (
            "Source",
            {"fields": (("dataset", "contract_version"), ("coordinates", "batch"), ("timestamp", "recorded_at"))},
        ),
    )
    readonly_fields = (
        "coordinates",
        "batch",
        "sqlstate_code",
        "value_preview",
        "key_preview",
        "headers_preview",
        "full_field",
        "full_message",
        "full_faults",
        "safe_faults",
        "safe_field",
        "safe_message",
        "withheld",
    )

    def get_fieldsets(self, request: HttpRequest, record: Quarantine | None = None) -> Any:
        """The fieldsets, without the raw record for users who may not see all of its fields."""
        if record is None or may_see_raw(request, record):
            return self.fieldsets
        redacted = {
            "Reason": {"fields": (("reason", "safe_field", "state"), "safe_message", "safe_faults", "sqlstate_code")},
            "Record": {"fields": ("withheld",)},
        }
        return [(name, redacted.get(str(name), options)) for name, options in self.fieldsets]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Quarantine]:
        """The records without their bytes and faults, which lists do not show."""
        records: QuerySet[Quarantine] = super().get_queryset(request)
        return records.defer("key", "value", "headers", "faults")

    @admin.display(description="topic/partition@offset")
    def coordinates(self, record: Quarantine) -> str:
        return f"{record.topic}/{record.partition}@{record.offset}"

    @admin.display(description="batch")
    def batch(self, record: Quarantine) -> int:
        return record.batch_id

    @admin.display(description="SQLSTATE", empty_value="-")
    def sqlstate_code(self, record: Quarantine) -> str:
        return record.sqlstate

    @admin.display(description="field")
    def safe_field(self, record: Quarantine) -> str:
        """The field at fault, unless it quotes a record that not everybody may see."""
        return "" if quotes_hidden(record) else self.full_field(record)

    @admin.display(description="message")
    def safe_message(self, record: Quarantine) -> str:
        """The message, unless it quotes a record that not everybody may see."""
        if quotes_hidden(record):
            return "It quotes the record, which only stewards may see."
        return self.full_message(record)

    @admin.display(description="field")
    def full_field(self, record: Quarantine) -> str:
        """The field at fault, for users who may see the record."""
        return escaped(record.field)

    @admin.display(description="message")
    def full_message(self, record: Quarantine) -> str:
        """The message, for users who may see the record."""
        return escaped(record.message)

    @admin.display(description="all faults")
    def full_faults(self, record: Quarantine) -> str:
        """Every fault, for users who may see the record."""
        return _fault_table(record.faults)

    @admin.display(description="all faults")
    def safe_faults(self, record: Quarantine) -> str:
        """The faults that do not quote a record that not everybody may see."""
        faults = [fault for fault in record.faults if not quotes_hidden(record, fault["field"])]
        more = len(record.faults) - len(faults)
        note = format_html('<p class="st-note">{} more quote the record.</p>', more) if more else ""
        return format_html("{}{}", _fault_table(faults), note)

    @admin.display(description="record")
    def withheld(self, _record: Quarantine) -> str:
        """Why the record is not shown."""
        return "The dataset has restricted fields: only stewards may see the record."

    @admin.display(description="value")
    def value_preview(self, record: Quarantine) -> str:
        return _block(record.value)

    @admin.display(description="key")
    def key_preview(self, record: Quarantine) -> str:
        return _block(record.key)

    @admin.display(description="headers")
    def headers_preview(self, record: Quarantine) -> str:
        lines = (f"{_header_text(name)}: {_header_text(value)}" for name, value in record.headers or ())
        return format_html('<pre class="st-raw st-mono">{}</pre>', "\n".join(lines) or "-")


def _fault_table(faults: Sequence[Mapping[str, str]]) -> str:
    """A table of these faults: field, reason and message."""
    rows = format_html_join(
        "",
        "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
        (tuple(escaped(fault[part]) for part in ("field", "reason", "message")) for fault in faults),
    )
    return format_html('<table class="st-table">{}</table>', rows) if faults else "-"


def _header_text(part: str | dict[str, str] | None) -> str:
    """A header's name or value; bytes that are not text are hexadecimal."""
    return f"hex {part['hex']}" if isinstance(part, dict) else escaped(str(part))


def may_see_raw(request: HttpRequest, record: Quarantine) -> bool:
    """Whether the user may see the raw record, which contains restricted fields."""
    return request.user.has_perm("ingest.change_quarantine") or not hides_fields(record)


def hides_fields(record: Quarantine) -> bool:
    """Whether the dataset has restricted fields. True if its contract cannot be read."""
    contract = _contract(record)
    return contract is None or bool(contract.restricted)


def quotes_hidden(record: Quarantine, field: str | None = None) -> bool:
    """Whether the message about the field, by default the first at fault, may quote a record with restricted fields.

    Most of Andén's messages name only fields of the contract, but some name what the record has in place of a field.
    PostgreSQL's messages may contain a value.
    """
    name = record.field if field is None else field
    return (bool(record.sqlstate) or not names_column(record, name)) and hides_fields(record)


def names_column(record: Quarantine, name: str) -> bool:
    """Whether the name is empty or a column of the record's contract. False if the contract cannot be read."""
    if name in {"", EXTRA}:
        return True
    contract = _contract(record)
    return contract is not None and any(name == field.name for field in contract.fields)


def _contract(record: Quarantine) -> Contract | None:
    """The contract of the record's dataset; None if it cannot be read."""
    try:
        return contract_version_get(record.dataset_id, record.dataset.version).contract
    except DatasetsError:
        return None


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    """Positions: how far each partition is stored, and which worker reads it."""

    paginator = InfinitePaginator
    list_display = ("dataset", "topic", "partition", "next_offset", "epoch", "worker", "last_error", "last_batch")
    list_display_links = ("topic", "partition")
    list_filter = ("dataset",)
    list_filter_sheet = False
    list_select_related = ("dataset",)
    search_fields = ("topic",)

    @admin.display(description="worker", ordering="owner")
    def worker(self, source: Source) -> str:
        return source.owner

    @admin.display(description="last batch", ordering="updated_at")
    def last_batch(self, source: Source) -> datetime.datetime:
        return source.updated_at


def _block(raw: bytes | memoryview | None) -> str:
    """A preview of the bytes in a block, with their kind."""
    kind, text, left_out = preview_raw(None if raw is None else bytes(raw))
    note = f"{kind}, {left_out} more bytes" if left_out else kind
    return format_html('<span class="st-note">{}</span><pre class="st-raw st-mono">{}</pre>', note, text)
