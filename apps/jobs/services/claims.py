"""A run's hold on its job: taken by one statement, kept by heartbeats, and asked for by everything that it writes."""

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F, QuerySet
from django.db.models.functions import Now

from apps.jobs.core.kinds import JOB_KINDS
from apps.jobs.core.rules import JobState
from apps.jobs.core.run import JobProgress
from apps.jobs.models import Job


@dataclass(frozen=True, slots=True)
class JobClaim:
    """A job that this run holds, as long as the row says so."""

    job_id: int
    token: UUID

    def beat(self, said: JobProgress) -> bool | None:
        """Say that the run lives, and how far it is; whether it is to end, None where it lost the job."""
        if not self._rows().update(heartbeat_at=Now(), **asdict(said)):
            return None
        return self._rows().values_list("cancel_requested", flat=True).first()

    def release(self, state: JobState, said: JobProgress, **fields: Any) -> bool:
        """Let the job go into this state; whether it was still held."""
        ended = {"finished_at": Now()} if state is not JobState.QUEUED else {}
        return bool(self._rows().update(state=state, claim=None, **asdict(said), **ended, **fields))

    def _rows(self) -> QuerySet[Job]:
        return Job.objects.filter(pk=self.job_id, claim=self.token)


def job_claim(job_id: int, *, worker: str) -> tuple[Job, JobClaim] | None:
    """The job, held from now on; None where it is not queued, not due, or of a kind that nobody here knows."""
    held = JobClaim(job_id, uuid4())
    queued = Job.objects.filter(pk=job_id, state=JobState.QUEUED, run_after__lte=Now(), kind__in=JOB_KINDS)
    if not queued.update(
        state=JobState.RUNNING,
        claim=held.token,
        worker=worker[:200],
        attempts=F("attempts") + 1,
        started_at=Now(),
        heartbeat_at=Now(),
    ):
        return None
    job = Job.objects.filter(pk=job_id, claim=held.token).first()
    return (job, held) if job else None


def requeue_fields(pause_s: float = 0) -> dict[str, Any]:
    """The fields of a job that goes back into the queue, to be run after this pause."""
    moment = Now() + timedelta(seconds=pause_s)
    return {"run_after": moment, "send_after": moment}
