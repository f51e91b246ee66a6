"""Queries on the jobs table."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import Count, Min
from django.db.models.functions import Now

from apps.jobs.core.rules import JobState
from apps.jobs.models import Job


def waiting_job_ids(kinds: Collection[str], *, at_most: int) -> list[int]:
    """The ids of due jobs of these kinds, oldest first."""
    due = Job.objects.filter(state=JobState.QUEUED, run_after__lte=Now(), kind__in=kinds)
    return list(due.order_by("run_after", "pk").values_list("pk", flat=True)[:at_most])


def job_counts() -> dict[JobState, int]:
    """The number of queued, running and failed jobs."""
    states = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED)
    found = dict(Job.objects.filter(state__in=states).order_by().values_list("state").annotate(Count("pk")))
    return {state: found.get(state, 0) for state in states}


def oldest_waiting_by_kind() -> dict[str, datetime]:
    """When the longest-waiting job of each kind became due."""
    due = Job.objects.filter(state=JobState.QUEUED, run_after__lte=Now()).order_by()
    return dict(due.values_list("kind").annotate(Min("run_after")))
