"""The jobs table."""

from django.db import models
from django.db.models.functions import Now

from apps.jobs.core.rules import LIVE, JobState

_LIVE = [state.value for state in LIVE]


class Job(models.Model):
    """Work that must not be lost. `actor` is a username, empty for Andén itself.

    A run holds the job by its `claim`; updates without the current claim match no row. A queued job does not run
    before `run_after`. If it is still unclaimed at `send_after`, its id is sent to the broker again.
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
        # Small, and without a column that a heartbeat changes, so those updates are HOT.
        indexes = (
            models.Index(fields=("state", "id"), name="live_jobs", condition=models.Q(state__in=_LIVE)),
            models.Index(fields=("finished_at",), name="ended_jobs", condition=~models.Q(state__in=_LIVE)),
        )

    def __str__(self) -> str:
        return f"#{self.pk} {self.kind}"
