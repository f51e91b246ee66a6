"""A worker runs a job: at most one at a time, so that what beat asks for always finds a thread."""

import logging
import os
import socket
import threading
from typing import Any

import msgspec
from django.db import DataError, close_old_connections
from django.db.models import F

from apps.jobs.adapters import broker
from apps.jobs.core.errors import (
    ArgumentsInvalid,
    ClaimLost,
    JobCancelled,
    JobRefused,
    TimeLimitExceeded,
    WorkerStopping,
)
from apps.jobs.core.kinds import JOB_KINDS
from apps.jobs.core.rules import JobState, error_text, retry_pause_s
from apps.jobs.core.run import JobProgress, JobRun
from apps.jobs.models import Job
from apps.jobs.selectors import waiting_job_ids
from apps.jobs.services.claims import job_claim, requeue_fields
from apps.jobs.services.heartbeat import JobHeartbeat, stopping

logger = logging.getLogger(__name__)
_running = threading.Lock()
_owed = threading.Event()


def job_run(job_id: int) -> None:
    """Run the job, if this process may and the job still waits; then wake whoever takes the next."""
    if not stopping.is_set():
        if not _running.acquire(blocking=False):
            return  # who holds it looks for the next afterwards
        try:
            _run_claimed(job_id)
        finally:
            _running.release()
    if stopping.is_set():
        _owed.set()
    else:
        # Also where nothing was run: another id may have come and gone meanwhile.
        broker.send(waiting_job_ids(JOB_KINDS, at_most=1))


def handover_send() -> None:
    """Wake another worker, where this one gave a job back or let an id fall: now its own consumer takes it no more."""
    if _owed.is_set():
        broker.send(waiting_job_ids(JOB_KINDS, at_most=1))


def _run_claimed(job_id: int) -> None:
    """Run the job, if this run gets hold of it."""
    found = job_claim(job_id, worker=f"{socket.gethostname()}-{os.getpid()}")
    if found is None:
        return
    job, held = found
    before = JobProgress(job.done, job.total, job.text, job.checkpoint)
    with JobHeartbeat(held, before, time_limit_s=JOB_KINDS[job.kind].time_limit_s) as heart:
        ending = _outcome(job, heart.run)
    close_old_connections()  # the function may have left one that is broken
    try:
        written = held.release(said=heart.run.last_progress, **ending)
    except DataError as error:  # a result that PostgreSQL cannot hold
        written = held.release(JobState.FAILED, heart.run.last_progress, error=error_text(error))
    if not written:
        logger.warning("%s was not this run's any more: its end is not written", job)


def _outcome(job: Job, run: JobRun) -> dict[str, Any]:
    """What the row says of this run."""
    kind = JOB_KINDS[job.kind]
    try:
        result = msgspec.to_builtins(kind.function(kind.decoded(job.arguments), run))
    except JobCancelled:
        return {"state": JobState.CANCELLED}
    except (WorkerStopping, ClaimLost):  # no fault of the job's; what another run holds is not written
        return {"state": JobState.QUEUED, "attempts": F("attempts") - 1, **requeue_fields()}
    except (ArgumentsInvalid, JobRefused, TimeLimitExceeded) as error:
        return {"state": JobState.FAILED, "error": error_text(error)}
    except (Exception, SystemExit) as error:
        logger.exception("%s failed, attempt %s of %s", job, job.attempts, job.max_attempts)
        if job.attempts >= job.max_attempts:
            return {"state": JobState.FAILED, "error": error_text(error)}
        return {"state": JobState.QUEUED, "error": error_text(error), **requeue_fields(retry_pause_s(job.attempts))}
    return {"state": JobState.SUCCEEDED, "result": result, "error": ""}
