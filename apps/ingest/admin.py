"""The admin of ingest: where each source stands, and the records that did not become rows. Read only."""

from typing import Any, Final

from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from unfold.paginator import InfinitePaginator

from apps.datasets.core.contract.contract import EXTRA, Contract
from apps.datasets.core.errors import DatasetsError
from apps.datasets.core.record.raw_preview import escaped, preview_raw
from apps.datasets.read_only_admin import ReadOnlyAdmin
from apps.datasets.selectors import contract_version_get
from apps.ingest.models import Quarantine, Source

# Steps from reason to reason through the index on (dataset, reason): DISTINCT would read the whole table.
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
    """Narrows to one reason of those that occur."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        """The reasons that occur."""
        with connection.cursor() as cursor:
            cursor.execute(REASONS)
            return [(reason, reason.replace("_", " ")) for (reason,) in cursor.fetchall()]

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Quarantine]) -> QuerySet[Quarantine]:
        """The records of the chosen reason."""
        return queryset.filter(reason=self.value()) if self.value() else queryset


@admin.register(Quarantine)
class QuarantineAdmin(ReadOnlyAdmin):
    """Records as they came, and why they did not become rows."""

    paginator = InfinitePaginator
    list_display = ("recorded_at", "dataset", "place", "reason", "field_shown", "message_shown", "state")
    list_display_links = ("recorded_at", "place")
    list_filter = ("dataset", ReasonFilter, "state")
    list_filter_sheet = False
    list_select_related = ("dataset",)
    ordering = ("-id",)
    fieldsets = (
        ("Why", {"fields": (("reason", "whole_field", "state"), "whole_message", "sqlstate")}),
        ("ConsumerRecord", {"fields": ("value_shown", "key_shown", "headers_shown")}),
        (
            "Where",
            {"fields": (("dataset", "contract_version"), ("place", "batch_id"), ("timestamp", "recorded_at"))},
        ),
    )
    readonly_fields = (
        "place",
        "contract_version",
        "value_shown",
        "key_shown",
        "headers_shown",
        "whole_field",
        "whole_message",
        "field_shown",
        "message_shown",
        "withheld",
    )

    def get_fieldsets(self, request: HttpRequest, record: Quarantine | None = None) -> Any:
        """The page's parts, without the record itself for those who may not see all of its fields."""
        if record is None or may_see_raw(request, record):
            return self.fieldsets
        discreet = {
            "Why": {"fields": (("reason", "field_shown", "state"), "message_shown", "sqlstate")},
            "ConsumerRecord": {"fields": ("withheld",)},
        }
        return [(name, discreet.get(str(name), options)) for name, options in self.fieldsets]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Quarantine]:
        """Records without their bytes, which a list does not show; a page fetches them one by one."""
        records: QuerySet[Quarantine] = super().get_queryset(request)
        return records.defer("key", "value", "headers")

    @admin.display(description="place")
    def place(self, record: Quarantine) -> str:
        """Topic, partition and offset."""
        return f"{record.topic}/{record.partition}@{record.offset}"

    @admin.display(description="contract version")
    def contract_version(self, record: Quarantine) -> int:
        """The version that the record was held against."""
        return record.contract_version

    @admin.display(description="field")
    def field_shown(self, record: Quarantine) -> str:
        """The field at fault, where that is no part of a record that not everybody may see."""
        return "" if quotes_hidden(record) else self.whole_field(record)

    @admin.display(description="message")
    def message_shown(self, record: Quarantine) -> str:
        """The message, where it quotes nothing of a record that not everybody may see."""
        return (
            "It quotes the record, which stewards alone see." if quotes_hidden(record) else self.whole_message(record)
        )

    @admin.display(description="field")
    def whole_field(self, record: Quarantine) -> str:
        """The field at fault, for those who see the record itself."""
        return escaped(record.field)

    @admin.display(description="message")
    def whole_message(self, record: Quarantine) -> str:
        """The message, for those who see the record itself."""
        return escaped(record.message)

    @admin.display(description="record")
    def withheld(self, _record: Quarantine) -> str:
        """Why the record is not shown."""
        return "Its dataset has restricted fields: stewards alone see what arrived."

    @admin.display(description="value")
    def value_shown(self, record: Quarantine) -> str:
        """The value, laid out."""
        return _block(record.value)

    @admin.display(description="key")
    def key_shown(self, record: Quarantine) -> str:
        """The key, laid out."""
        return _block(record.key)

    @admin.display(description="headers")
    def headers_shown(self, record: Quarantine) -> str:
        """The headers, one a line."""
        lines = (f"{_header_shown(name)}: {_header_shown(value)}" for name, value in record.headers or ())
        return format_html('<pre class="st-raw st-mono">{}</pre>', "\n".join(lines) or "none")


def _header_shown(part: str | dict[str, str] | None) -> str:
    """A header's name or value: bytes that are no text in hexadecimal."""
    return f"hex {part['hex']}" if isinstance(part, dict) else escaped(str(part))


def may_see_raw(request: HttpRequest, record: Quarantine) -> bool:
    """Whether this person may see a record as it came, which holds restricted fields like any other."""
    return request.user.has_perm("ingest.change_quarantine") or not hides_fields(record)


def hides_fields(record: Quarantine) -> bool:
    """Whether its dataset has restricted fields; nobody knows of one whose contract cannot be read, so it has."""
    contract = _contract(record)
    return contract is None or bool(contract.restricted)


def quotes_hidden(record: Quarantine) -> bool:
    """Whether its message may hold a part of a record with restricted fields.

    Andén's own messages name fields of the contract, but some what the record itself has in a name's place; and
    PostgreSQL's may hold a value.
    """
    return (bool(record.sqlstate) or not names_column(record)) and hides_fields(record)


def names_column(record: Quarantine) -> bool:
    """Whether its field is none, or a column; of a contract that cannot be read nobody knows, so it is not."""
    if record.field in {"", EXTRA}:
        return True
    contract = _contract(record)
    return contract is not None and any(record.field == field.name for field in contract.fields)


def _contract(record: Quarantine) -> Contract | None:
    """The contract of its dataset; None where it cannot be read."""
    try:
        return contract_version_get(record.dataset_id, record.dataset.version).contract
    except DatasetsError:
        return None


@admin.register(Source)
class SourceAdmin(ReadOnlyAdmin):
    """Positions: how far each partition of each topic is stored, and who reads it."""

    paginator = InfinitePaginator
    list_display = ("dataset", "topic", "partition", "next_offset", "epoch", "owner", "last_error", "updated_at")
    list_display_links = ("topic", "partition")
    list_filter = ("dataset",)
    list_filter_sheet = False
    list_select_related = ("dataset",)
    search_fields = ("topic",)


def _block(raw: bytes | memoryview | None) -> str:
    """The bytes in a block that says what they are."""
    kind, text, left_out = preview_raw(None if raw is None else bytes(raw))
    note = f"{kind}, {left_out} bytes more" if left_out else kind
    return format_html('<span class="st-note">{}</span><pre class="st-raw st-mono">{}</pre>', note, text)
