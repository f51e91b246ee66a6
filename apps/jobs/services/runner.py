"""Runs jobs, one at a time per worker, so that a thread stays free for beat's tasks."""

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
from apps.jobs.core.rules import JobState, error_text, retry_delay_s
from apps.jobs.core.run import JobProgress, JobRun
from apps.jobs.models import Job
from apps.jobs.selectors import waiting_job_ids
from apps.jobs.services.claims import job_claim, requeue_fields
from apps.jobs.services.heartbeat import JobHeartbeat, stopping

logger = logging.getLogger(__name__)
_running = threading.Lock()
_handover = threading.Event()


def job_run(job_id: int) -> None:
    """Run the job if this process is free and the job is still queued. Then send the id of the next one."""
    if not stopping.is_set():
        if not _running.acquire(blocking=False):
            return  # the thread that holds the lock sends the next id
        try:
            _run_claimed(job_id)
        finally:
            _running.release()
    if stopping.is_set():
        _handover.set()
    else:
        # Even if no job ran: another id may have been dropped meanwhile.
        broker.send(waiting_job_ids(JOB_KINDS, at_most=1))


def handover_send() -> None:
    """Notify another worker if this one returned a job or dropped an id. Its own consumer has stopped by now."""
    if _handover.is_set():
        broker.send(waiting_job_ids(JOB_KINDS, at_most=1))


def _run_claimed(job_id: int) -> None:
    """Claim the job and run it."""
    claimed = job_claim(job_id, worker=f"{socket.gethostname()}-{os.getpid()}")
    if claimed is None:
        return
    job, claim = claimed
    progress = JobProgress(job.done, job.total, job.text, job.checkpoint)
    with JobHeartbeat(claim, progress, time_limit_s=JOB_KINDS[job.kind].time_limit_s) as heartbeat:
        updates = _outcome(job, heartbeat.run)
    close_old_connections()  # the function may have broken one
    try:
        valid = claim.release(progress=heartbeat.run.last_progress, **updates)
    except DataError as error:  # PostgreSQL cannot store the result
        valid = claim.release(JobState.FAILED, heartbeat.run.last_progress, error=error_text(error))
    if not valid:
        logger.warning("%s: another run took over the job; this run's outcome was discarded", job)


def _outcome(job: Job, run: JobRun) -> dict[str, Any]:
    """Run the function. Return the field updates for the job's row."""
    kind = JOB_KINDS[job.kind]
    try:
        result = msgspec.to_builtins(kind.function(kind.decode(job.arguments), run))
    except JobCancelled:
        return {"state": JobState.CANCELLED}
    except (WorkerStopping, ClaimLost):  # not an attempt; a lost claim rejects the write
        return {"state": JobState.QUEUED, "attempts": F("attempts") - 1, **requeue_fields()}
    except (ArgumentsInvalid, JobRefused, TimeLimitExceeded) as error:
        return {"state": JobState.FAILED, "error": error_text(error)}
    except (Exception, SystemExit) as error:
        logger.exception("%s failed, attempt %s of %s", job, job.attempts, job.max_attempts)
        if job.attempts >= job.max_attempts:
            return {"state": JobState.FAILED, "error": error_text(error)}
        return {"state": JobState.QUEUED, "error": error_text(error), **requeue_fields(retry_delay_s(job.attempts))}
    return {"state": JobState.SUCCEEDED, "result": result, "error": ""}
