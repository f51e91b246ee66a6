"""Claims: a run claims its job with one UPDATE, keeps it by heartbeats, and needs it for every write."""

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
    """A run's claim on a job, valid while the row contains its token."""

    job_id: int
    token: UUID

    def heartbeat(self, progress: JobProgress) -> bool | None:
        """Write heartbeat and progress. Return whether the job is to be cancelled, None if the claim is lost."""
        if not self._rows().update(heartbeat_at=Now(), **asdict(progress)):
            return None
        return self._rows().values_list("cancel_requested", flat=True).first()

    def release(self, state: JobState, progress: JobProgress, **fields: Any) -> bool:
        """Write the job's next state and release the claim. Return whether the claim was still valid."""
        finished = {"finished_at": Now()} if state is not JobState.QUEUED else {}
        return bool(self._rows().update(state=state, claim=None, **asdict(progress), **finished, **fields))

    def _rows(self) -> QuerySet[Job]:
        return Job.objects.filter(pk=self.job_id, claim=self.token)


def job_claim(job_id: int, *, worker: str) -> tuple[Job, JobClaim] | None:
    """Claim the job. None if it is not queued, not due, or of a kind unknown to this process."""
    claim = JobClaim(job_id, uuid4())
    queued = Job.objects.filter(pk=job_id, state=JobState.QUEUED, run_after__lte=Now(), kind__in=JOB_KINDS)
    if not queued.update(
        state=JobState.RUNNING,
        claim=claim.token,
        worker=worker[:200],
        attempts=F("attempts") + 1,
        started_at=Now(),
        heartbeat_at=Now(),
    ):
        return None
    job = Job.objects.filter(pk=job_id, claim=claim.token).first()
    return (job, claim) if job else None


def requeue_fields(delay_s: float = 0) -> dict[str, Any]:
    """The field updates that return a job to the queue after a delay."""
    moment = Now() + timedelta(seconds=delay_s)
    return {"run_after": moment, "send_after": moment}
