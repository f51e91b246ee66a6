"""Admin of datasets: a searchable list, and a page with contract, last rows and ledger."""

import datetime
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.utils import timezone

from apps.datasets.adapters.table.preview import MASK, RowPreview, last_rows
from apps.datasets.core.contract.descriptions import describe_checks, describe_rules, order_parameter
from apps.datasets.core.contract.unenforced_terms import unenforced_terms
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.core.errors import ContractUnreadable, StoreUnavailable
from apps.datasets.models import Batch, Dataset
from apps.datasets.read_only_admin import ReadOnlyAdmin
from apps.datasets.selectors import analyst_view_problems, contract_version_get

LAST_BATCHES: Final = 12
LEDGER_DAYS: Final = 7
"""How far back to search the ledger for the last batches."""


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    """Datasets as their contracts define them; `datasets apply` changes a contract."""

    list_display = ("name", "mode", "event_time", "version", "created_at", "updated_at")
    search_fields = ("name",)
    page_template = "datasets/dataset.html"

    @admin.display(description="mode")
    def mode(self, dataset: Dataset) -> str:
        """Append or upsert, or that the contract is unreadable."""
        try:
            return contract_version_get(dataset.pk, dataset.version).contract.mode.value
        except ContractUnreadable:
            return "contract unreadable"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> TemplateResponse:
        """The page of one dataset, which is not a form."""
        dataset = self.get_object(request, object_id)
        if dataset is None:
            raise Http404
        if not self.has_view_permission(request, dataset):
            raise PermissionDenied
        try:
            template, shown = (
                self.page_template,
                self.page_context(request, contract_version_get(dataset.pk, dataset.version)),
            )
        except ContractUnreadable as error:
            template, shown = "datasets/unreadable.html", {"reason": str(error)}
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": dataset.name,
            "original": dataset,
            **shown,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, template, context)

    def page_context(self, _request: HttpRequest, dataset: AppliedDataset) -> dict[str, Any]:
        """The template context of the page."""
        contract = dataset.contract
        return {
            "dataset": dataset,
            "contract": contract,
            "fields": [
                (field, describe_rules(contract, field), describe_checks(field.checks)) for field in contract.fields
            ],
            "orders": [order_parameter(order) for order in contract.orders],
            "preview": row_preview(dataset),
            "mask": MASK,
            "batches": last_batches(dataset.id),
            "analyst_view_problems": analyst_view_problems(dataset),
            "unenforced_terms": unenforced_terms(dataset.document),
        }


def row_preview(dataset: AppliedDataset) -> RowPreview | None:
    """The last rows; None if this process has no reader role or cannot read now."""
    if "reader" not in connections.settings:
        return None
    try:
        return last_rows(dataset)
    except StoreUnavailable:
        return None


def last_batches(dataset_id: int) -> list[Batch]:
    """The dataset's last ledger entries, newest first."""
    since = timezone.now().astimezone(datetime.UTC).date() - datetime.timedelta(days=LEDGER_DAYS)
    found = Batch.objects.filter(dataset_id=dataset_id, day__gte=since).order_by("-committed_at")
    return list(found[:LAST_BATCHES])
