"""Jobs are asked for, cancelled, and queued again."""

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
"""How long a job waits for the worker that its id was sent to, before beat sends it again."""


def enqueue(kind: JobKind[Arguments], arguments: Arguments, *, actor: str) -> int:
    """Write the job in the caller's transaction and send its id once that is committed; the job's id.

    A broker that is away costs the caller nothing: the row waits for beat.
    Raises ArgumentsInvalid: names the field.
    """
    job = Job.objects.create(
        kind=kind.name,
        arguments=kind.encoded(arguments),
        actor=actor,
        max_attempts=kind.attempts,
        send_after=Now() + RESEND_AFTER,
    )
    transaction.on_commit(partial(broker.send, [job.pk]))
    return job.pk


def is_pending(kind: JobKind[Arguments], arguments: Arguments) -> bool:
    """Whether the same work is queued or running."""
    return Job.objects.filter(kind=kind.name, arguments=kind.encoded(arguments), state__in=LIVE).exists()


def jobs_cancel(job_ids: Collection[int]) -> tuple[int, int]:
    """Cancel those that are queued, ask those that run to end; how many of each."""
    chosen = Job.objects.filter(pk__in=job_ids)
    cancelled = chosen.filter(state=JobState.QUEUED).update(state=JobState.CANCELLED, finished_at=Now())
    return cancelled, chosen.filter(state=JobState.RUNNING).update(cancel_requested=True)


def jobs_requeue(job_ids: Collection[int]) -> int:
    """Queue those that failed or were cancelled again, with all their attempts, from their checkpoint; how many."""
    with transaction.atomic():
        chosen = Job.objects.select_for_update().filter(pk__in=job_ids, state__in=REQUEUABLE)
        again = list(chosen.values_list("pk", flat=True))
        Job.objects.filter(pk__in=again).update(
            state=JobState.QUEUED,
            run_after=Now(),
            send_after=Now() + RESEND_AFTER,
            finished_at=None,
            attempts=0,
            cancel_requested=False,
        )
        transaction.on_commit(partial(broker.send, again))
    return len(again)
