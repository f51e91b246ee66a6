"""Jobs in the admin: what waits, runs and failed. It stands here because jobs know no admin of another app's."""

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
"""The console's colour of each state."""


def json_column(field: str) -> Callable[[Any, Job], str]:
    """A column with the field's JSON in lines."""

    @admin.display(description=field)
    def shown(_admin: Any, job: Job) -> str:
        value = getattr(job, field)
        text = "none" if value is None else json.dumps(value, indent=2, ensure_ascii=False)
        return format_html('<pre class="st-raw st-mono">{}</pre>', escaped(text))

    return shown


class ActorFilter(admin.AllValuesFieldListFilter):
    """Narrows to one of those who asked for jobs, the station among them."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Those who asked, each by a name."""
        for choice in super().choices(changelist):
            yield {**choice, "display": choice["display"] or "the station"}


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """Work in the background. Viewers look; stewards cancel it and queue it again."""

    paginator = InfinitePaginator
    list_display = ("number", "kind", "state_shown", "progress", "asked_by", "created")
    list_display_links = ("number", "kind")
    list_filter = ("state", ("kind", admin.AllValuesFieldListFilter), ("actor", ActorFilter))
    list_filter_sheet = False
    ordering = ("-id",)
    actions = ("cancel", "queue_again")
    arguments_shown, result_shown, checkpoint_shown = map(json_column, ("arguments", "result", "checkpoint"))
    fieldsets = (
        ("What", {"fields": ("kind", ("state_shown", "asked_by"), "progress", "arguments_shown")}),
        ("How it ended", {"fields": ("error_shown", "result_shown", "checkpoint_shown")}),
        (
            "When and where",
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
        """Stewards act."""
        return bool(request.user.has_perm("jobs.change_job"))

    @admin.display(description="job", ordering="id")
    def number(self, job: Job) -> str:
        """Its number."""
        return f"#{job.pk}"

    @admin.display(description="state")
    def state_shown(self, job: Job) -> str:
        """The state; of a job that runs also the age of its heartbeat, and whether it is asked to end."""
        notes = []
        if job.state == JobState.RUNNING and job.heartbeat_at:
            notes.append(f"heartbeat {(timezone.now() - job.heartbeat_at).total_seconds():.0f} s ago")
        if job.state == JobState.RUNNING and job.cancel_requested:
            notes.append("asked to end")
        pill = '<span class="st-pill st-{}">{}</span> <span class="st-note">{}</span>'
        return format_html(pill, TONES[JobState(job.state)], job.state, ", ".join(notes))

    @admin.display(description="progress")
    def progress(self, job: Job) -> str:
        """A bar where the total is known, what the job says, and its last error."""
        bar = format_html('<progress class="st-progress" max="{}" value="{}"></progress> ', job.total, job.done)
        figures = f"{job.done:,}" if job.total is None else f"{job.done:,} of {job.total:,}"
        said = " · ".join(filter(None, (figures, escaped(job.text)))) if job.done or job.text else ""
        note = '<span class="st-note st-listed" title="{0}">{0}</span>'
        notes = (format_html(note, text) for text in (said, self.error_shown(job)))
        return format_html("{}{} {}", bar if job.total else "", *notes)

    @admin.display(description="error")
    def error_shown(self, job: Job) -> str:
        """Why the last run failed."""
        return escaped(job.error)

    @admin.display(description="asked for by", ordering="actor")
    def asked_by(self, job: Job) -> str:
        """A person, or the station itself."""
        return escaped(job.actor) or "the station"

    @admin.display(description="asked for (UTC)", ordering="created_at")
    def created(self, job: Job) -> str:
        """When, to the second."""
        return f"{job.created_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="attempts")
    def tries(self, job: Job) -> str:
        """Attempts made, and allowed."""
        return f"{job.attempts} of {job.max_attempts}"

    @admin.action(description="Cancel", permissions=["steer"])
    def cancel(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """End what is queued now, and what runs at its next word about its progress."""
        cancelled, asked = jobs_cancel(self._chosen(request, jobs, "asked to cancel it"))
        messages.success(
            request, f"{cancelled} cancelled, {asked} running asked to end; what has ended stays as it is."
        )

    @admin.action(description="Queue again", permissions=["steer"])
    def queue_again(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        """Try again what failed or was cancelled."""
        again = jobs_requeue(self._chosen(request, jobs, "asked to queue it again"))
        messages.success(request, f"{again} queued again; only what failed or was cancelled is.")

    def _chosen(self, request: HttpRequest, jobs: QuerySet[Job], what: str) -> list[int]:
        """The jobs' ids, with a line in the log of the admin for each."""
        for job in jobs:
            self.log_change(request, job, what)
        return [job.pk for job in jobs]
