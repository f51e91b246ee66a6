"""Admin pages that need several apps: a dataset with its activity and positions, users and groups."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from apps.console.adapters import activity
from apps.console.core.chart import bars
from apps.console.core.chart_windows import STEPS, WINDOWS, chart_window
from apps.console.job_admin import JobAdmin
from apps.console.selectors import datasets_activity
from apps.datasets.admin import DatasetAdmin
from apps.datasets.core.document.applied_dataset import AppliedDataset
from apps.datasets.models import Dataset
from apps.ingest.models import Source

CHART_WIDTH = 720
CHART_HEIGHT = 112


class DatasetActivityAdmin(DatasetAdmin):
    """The dataset's page, with its activity, its positions and a link to its quarantine."""

    page_template = "console/dataset.html"

    def page_context(self, request: HttpRequest, dataset: AppliedDataset) -> dict[str, Any]:
        """Add the dataset's activity in the selected window."""
        created_at = Dataset.objects.values_list("created_at", flat=True).get(pk=dataset.id)
        age_s = (timezone.now() - created_at).total_seconds()
        window = chart_window(request.GET.get("window"), age_s=age_s)
        series = activity.batch_series([dataset.id], step_s=window.step_s, steps=STEPS)[dataset.id]
        last = activity.last_batches([dataset.id]).get(dataset.id)
        shown = {field.name for field in dataset.contract.unrestricted}
        return {
            **super().page_context(request, dataset),
            "activity": datasets_activity([dataset])[0],
            "newest_event": last.newest_event if last and dataset.contract.event_time in shown else None,
            "window": window,
            "windows": WINDOWS,
            "bars": bars(series.rows, width=CHART_WIDTH, height=CHART_HEIGHT),
            "rows_total": sum(series.rows),
            "rejects_total": sum(series.rejects),
            "chart_width": CHART_WIDTH,
            "chart_height": CHART_HEIGHT,
            "max_rejects": activity.MAX_COUNTED_REJECTS,
            "sources": list(Source.objects.filter(dataset_id=dataset.id).order_by("topic", "partition", "-id")[:50]),
        }


class StaffUserAdmin(UserAdmin, ModelAdmin):  # type: ignore[misc,type-arg] # unfold has no types
    """Django's user admin with unfold's styles; for superusers."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


class StaffGroupAdmin(GroupAdmin, ModelAdmin):  # type: ignore[misc] # unfold has no types
    """Django's group admin with unfold's styles; `migrate` sets the permissions of viewer and steward."""


__all__ = ["DatasetActivityAdmin", "JobAdmin", "StaffGroupAdmin", "StaffUserAdmin"]

# The imports above have registered these models, whatever the order of INSTALLED_APPS.
for model, model_admin in (
    (Dataset, DatasetActivityAdmin),
    (User, StaffUserAdmin),
    (Group, StaffGroupAdmin),
):
    admin.site.unregister(model)
    admin.site.register(model, model_admin)
