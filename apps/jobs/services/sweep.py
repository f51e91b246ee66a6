"""What beat asks for: jobs that nobody runs go back into the queue, old ones go."""

import logging
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Greatest, Least, Now

from apps.jobs.adapters import broker
from apps.jobs.core.rules import LIVE, JobState
from apps.jobs.models import Job
from apps.jobs.services.claims import requeue_fields
from apps.jobs.services.heartbeat import STALE_S
from apps.jobs.services.queue import RESEND_AFTER

AT_ONCE: Final = 100
"""Rows of each sort that one round takes."""
OLD_AT_ONCE: Final = 1_000
LOST: Final = "WorkerLost: no heartbeat, the worker ended or hung in this job"
RARELY: Final = timedelta(hours=1)

logger = logging.getLogger(__name__)


def jobs_sweep() -> int:
    """Take over what lost its worker, send what waits unclaimed, delete what ended long ago; ids sent.

    Two rounds at once share the rows between them.
    """
    with transaction.atomic():
        lost = _locked(Job.objects.filter(state=JobState.RUNNING, heartbeat_at__lt=Now() - timedelta(seconds=STALE_S)))
        _take_over(lost)
        due = _locked(Job.objects.filter(state=JobState.QUEUED, send_after__lte=Now()))
        # Each time after twice the wait: a long queue is not sent over and over.
        pause = Greatest(Value(RESEND_AFTER), Least(Now() - F("run_after"), Value(RARELY)))
        Job.objects.filter(pk__in=due).update(send_after=Now() + pause)
        ended = Job.objects.exclude(state__in=LIVE).filter(
            finished_at__lt=Now() - timedelta(days=settings.ANDEN.job_days)
        )
        Job.objects.filter(pk__in=_locked(ended, OLD_AT_ONCE)).delete()
    broker.send(due)
    return len(due)


def _take_over(lost: list[int]) -> None:
    """End the claims on these jobs: cancelled ones are, those out of attempts have failed, the others wait again."""
    if not lost:
        return
    logger.warning("jobs without a heartbeat are taken over: %s", ", ".join(map(str, lost)))
    jobs = Job.objects.filter(pk__in=lost, state=JobState.RUNNING)
    over = {"claim": None, "finished_at": Now()}
    jobs.filter(cancel_requested=True).update(state=JobState.CANCELLED, **over)
    jobs.filter(attempts__gte=F("max_attempts")).update(state=JobState.FAILED, error=LOST, **over)
    jobs.update(state=JobState.QUEUED, claim=None, error=LOST, **requeue_fields())


def _locked(jobs: QuerySet[Job], at_most: int = AT_ONCE) -> list[int]:
    """The ids of the oldest of them that no other round holds."""
    chosen = jobs.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)
    return list(chosen[:at_most])
