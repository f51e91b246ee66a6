"""Jobs in the admin. Here, because `apps.jobs` may not import another app's admin."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.paginator import InfinitePaginator

from apps.datasets.core.record.raw_preview import escaped
from apps.datasets.read_only_admin import ReadOnlyAdmin
from apps.jobs.core.rules import JobState
from apps.jobs.models import Job
from apps.jobs.services.queue import jobs_cancel, jobs_requeue

TONES: Final = {
    JobState.QUEUED: "idle",
    JobState.RUNNING: "active",
    JobState.SUCCEEDED: "empty",
    JobState.FAILED: "stopped",
    JobState.CANCELLED: "empty",
}
"""Each state's CSS class, which sets its colour."""


def json_column(field: str) -> Callable[[Any, Job], str]:
    """A read-only field with the JSON value, indented."""

    @admin.display(description=field)
    def shown(_admin: Any, job: Job) -> str:
        value = getattr(job, field)
        text = "–" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
        return format_html('<pre class="st-raw st-mono">{}</pre>', escaped(text))

    return shown


class ActorFilter(admin.AllValuesFieldListFilter):
    """Filters by actor; jobs without one were requested by the system."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "system"}


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Background jobs. Viewers can view them, stewards can cancel and requeue them."""

    paginator = InfinitePaginator
    list_display = ("number", "kind", "state_shown", "progress", "asked_by", "created")
    list_display_links = ("number", "kind")
    list_filter = ("state", ("kind", admin.AllValuesFieldListFilter), ("actor", ActorFilter))
    list_filter_sheet = False
    ordering = ("-id",)
    actions = ("cancel", "queue_again")
    arguments_shown, result_shown, checkpoint_shown = map(json_column, ("arguments", "result", "checkpoint"))
    fieldsets = (
        ("Job", {"fields": ("kind", ("state_shown", "asked_by"), "progress", "arguments_shown")}),
        ("Outcome", {"fields": ("error_shown", "result_shown", "checkpoint_shown")}),
        (
            "Timing and worker",
            {"fields": (("created_at", "started_at", "finished_at"), ("tries", "worker"))},
        ),
    )
    readonly_fields = (
        "state_shown",
        "asked_by",
        "progress",
        "arguments_shown",
        "error_shown",
        "result_shown",
        "checkpoint_shown",
        "tries",
    )

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Whether the user may cancel and requeue jobs."""
        return bool(request.user.has_perm("jobs.change_job"))

    @admin.display(description="job", ordering="id")
    def number(self, job: Job) -> str:
        """The job's id with a number sign."""
        return f"#{job.pk}"

    @admin.display(description="state")
    def state_shown(self, job: Job) -> str:
        """The state; for a running job also the heartbeat's age and whether cancellation is requested."""
        notes = []
        if job.state == JobState.RUNNING and job.heartbeat_at:
            notes.append(f"heartbeat {(timezone.now() - job.heartbeat_at).total_seconds():.0f} s ago")
        if job.state == JobState.RUNNING and job.cancel_requested:
            notes.append("cancellation requested")
        pill = '<span class="st-pill st-{}">{}</span> <span class="st-note">{}</span>'
        return format_html(pill, TONES[JobState(job.state)], job.state, ", ".join(notes))

    @admin.display(description="progress")
    def progress(self, job: Job) -> str:
        """A progress bar if the total is known, the job's progress text, and its last error."""
        bar = format_html('<progress class="st-progress" max="{}" value="{}"></progress> ', job.total, job.done)
        figures = f"{job.done:,}" if job.total is None else f"{job.done:,} of {job.total:,}"
        status = " · ".join(filter(None, (figures, escaped(job.text)))) if job.done or job.text else ""
        note = '<span class="st-note st-listed" title="{0}">{0}</span>'
        notes = (format_html(note, text) for text in (status, self.error_shown(job)))
        return format_html("{}{} {}", bar if job.total else "", *notes)

    @admin.display(description="error")
    def error_shown(self, job: Job) -> str:
        """The last run's error."""
        return escaped(job.error)

    @admin.display(description="requested by", ordering="actor")
    def asked_by(self, job: Job) -> str:
        """A user, or the system."""
        return escaped(job.actor) or "system"

    @admin.display(description="requested at (UTC)", ordering="created_at")
    def created(self, job: Job) -> str:
        """The creation time, to the second."""
        return f"{job.created_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="attempts")
    def tries(self, job: Job) -> str:
        """Attempts made and allowed."""
        return f"{job.attempts} of {job.max_attempts}"

    @admin.action(description="Cancel", permissions=["steer"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """Cancel queued jobs now, and running ones at their next progress report."""
        cancelled, asked = jobs_cancel(self._chosen(request, jobs, "Cancelled"))
        messages.success(
            request,
            f"{cancelled} cancelled. {asked} running: cancellation requested. Finished jobs are unchanged.",
        )

    @admin.action(description="Queue again", permissions=["steer"])
    def queue_again(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """Requeue failed and cancelled jobs."""
        again = jobs_requeue(self._chosen(request, jobs, "Queued again"))
        messages.success(request, f"{again} queued again. Only failed and cancelled jobs can be.")

    def _chosen(self, request: HttpRequest, jobs: QuerySet[Job], what: str) -> list[int]:
        """The jobs' ids; the action is logged in the admin's history of each."""
        for job in jobs:
            self.log_change(request, job, what)
        return [job.pk for job in jobs]
