"""The periodic sweep: requeues jobs without a worker, resends ids, deletes old jobs."""

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

BATCH_SIZE: Final = 100
"""Maximum rows per category and sweep."""
DELETE_BATCH_SIZE: Final = 1_000
LOST: Final = "WorkerLost: no heartbeat; the worker died or hung while running this job"
MAX_RESEND_DELAY: Final = timedelta(hours=1)

logger = logging.getLogger(__name__)


def jobs_sweep() -> int:
    """Requeue jobs that lost their worker, resend unclaimed ones, delete old ones. Return how many ids were sent.

    Concurrent sweeps split the rows between them.
    """
    with transaction.atomic():
        lost = _locked(Job.objects.filter(state=JobState.RUNNING, heartbeat_at__lt=Now() - timedelta(seconds=STALE_S)))
        _take_over(lost)
        due = _locked(Job.objects.filter(state=JobState.QUEUED, send_after__lte=Now()))
        # Double the delay each time, so that a long queue is not resent continuously.
        pause = Greatest(Value(RESEND_AFTER), Least(Now() - F("run_after"), Value(MAX_RESEND_DELAY)))
        Job.objects.filter(pk__in=due).update(send_after=Now() + pause)
        expired = Job.objects.exclude(state__in=LIVE).filter(
            finished_at__lt=Now() - timedelta(days=settings.ANDEN.job_days)
        )
        Job.objects.filter(pk__in=_locked(expired, DELETE_BATCH_SIZE)).delete()
    broker.send(due)
    return len(due)


def _take_over(lost: list[int]) -> None:
    """Revoke the claims on these jobs: cancel those asked to stop, fail those out of attempts, requeue the rest."""
    if not lost:
        return
    logger.warning("taking over jobs without a heartbeat: %s", ", ".join(map(str, lost)))
    jobs = Job.objects.filter(pk__in=lost, state=JobState.RUNNING)
    finished = {"claim": None, "finished_at": Now()}
    jobs.filter(cancel_requested=True).update(state=JobState.CANCELLED, **finished)
    jobs.filter(attempts__gte=F("max_attempts")).update(state=JobState.FAILED, error=LOST, **finished)
    jobs.update(state=JobState.QUEUED, claim=None, error=LOST, **requeue_fields())


def _locked(jobs: QuerySet[Job], at_most: int = BATCH_SIZE) -> list[int]:
    """The ids of the oldest rows that no other sweep has locked."""
    chosen = jobs.select_for_update(skip_locked=True).order_by("pk").values_list("pk", flat=True)
    return list(chosen[:at_most])
