"""Enqueues, cancels and requeues jobs."""

from collections.abc import Collection
from datetime import timedelta
from functools import partial
from typing import Final

from django.db import transaction
from django.db.models.functions import Now

from apps.jobs.adapters import broker
from apps.jobs.core.kinds import Arguments, JobKind
from apps.jobs.core.rules import LIVE, REQUEUABLE, JobState
from apps.jobs.models import Job

RESEND_AFTER: Final = timedelta(seconds=60)
"""How long a sent job may stay unclaimed before beat sends it again."""


def enqueue(kind: JobKind[Arguments], arguments: Arguments, *, actor: str) -> int:
    """Insert the job in the caller's transaction, send its id after the commit, and return the id.

    A broker outage does not affect the caller: beat sends the id later.
    Raises ArgumentsInvalid, which names the field.
    """
    job = Job.objects.create(
        kind=kind.name,
        arguments=kind.encode(arguments),
        actor=actor,
        max_attempts=kind.attempts,
        send_after=Now() + RESEND_AFTER,
    )
    transaction.on_commit(partial(broker.send, [job.pk]))
    return job.pk


def is_pending(kind: JobKind[Arguments], arguments: Arguments) -> bool:
    """Whether a job with the same kind and arguments is queued or running."""
    return Job.objects.filter(kind=kind.name, arguments=kind.encode(arguments), state__in=LIVE).exists()


def jobs_cancel(job_ids: Collection[int]) -> tuple[int, int]:
    """Cancel queued jobs and ask running ones to stop. Return the number of each."""
    chosen = Job.objects.filter(pk__in=job_ids)
    cancelled = chosen.filter(state=JobState.QUEUED).update(state=JobState.CANCELLED, finished_at=Now())
    return cancelled, chosen.filter(state=JobState.RUNNING).update(cancel_requested=True)


def jobs_requeue(job_ids: Collection[int]) -> int:
    """Requeue failed and cancelled jobs with all attempts, from their checkpoint. Return the number."""
    with transaction.atomic():
        chosen = Job.objects.select_for_update().filter(pk__in=job_ids, state__in=REQUEUABLE)
        job_ids_found = list(chosen.values_list("pk", flat=True))
        Job.objects.filter(pk__in=job_ids_found).update(
            state=JobState.QUEUED,
            run_after=Now(),
            send_after=Now() + RESEND_AFTER,
            finished_at=None,
            attempts=0,
            cancel_requested=False,
        )
        transaction.on_commit(partial(broker.send, job_ids_found))
    return len(job_ids_found)
