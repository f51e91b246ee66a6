"""The one table of jobs."""

from django.db import models
from django.db.models.functions import Now

from apps.jobs.core.rules import LIVE, JobState

_LIVE = [state.value for state in LIVE]


class Job(models.Model):
    """Work that must not be lost. `actor` is a person's login, empty for the station itself.

    A run holds the job by its `claim`: who writes without it writes nothing. A queued job is not run before
    `run_after`; its id is sent to the broker again at `send_after`, if nobody has claimed it until then.
    """

    kind = models.CharField(max_length=100)
    arguments = models.JSONField()
    state = models.CharField(max_length=16, choices=[(one.value, one.value) for one in JobState], default="queued")
    actor = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    run_after = models.DateTimeField(db_default=Now())
    send_after = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    claim = models.UUIDField(null=True)
    worker = models.CharField(max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField()
    cancel_requested = models.BooleanField(default=False)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    text = models.TextField(blank=True, default="")
    checkpoint = models.JSONField(null=True)
    result = models.JSONField(null=True)
    error = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("-id",)
        # Small, and it names no column that a heartbeat changes: those updates stay in their page.
        indexes = (
            models.Index(fields=("state", "id"), name="live_jobs", condition=models.Q(state__in=_LIVE)),
            models.Index(fields=("finished_at",), name="ended_jobs", condition=~models.Q(state__in=_LIVE)),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"
