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
from apps.jobs.core.kinds import KINDS
from apps.jobs.core.rules import State, error_text, retry_pause_s
from apps.jobs.core.run import Progress, Run
from apps.jobs.models import Job
from apps.jobs.selectors import waiting
from apps.jobs.services.claims import claim, queue_again
from apps.jobs.services.heart import Heart, leaving

logger = logging.getLogger(__name__)
_running = threading.Lock()
_owed = threading.Event()


def job_run(job_id: int) -> None:
    """Run the job, if this process may and the job still waits; then wake whoever takes the next."""
    if not leaving.is_set():
        if not _running.acquire(blocking=False):
            return  # who holds it looks for the next afterwards
        try:
            _run_claimed(job_id)
        finally:
            _running.release()
    if leaving.is_set():
        _owed.set()
    else:
        # Also where nothing was run: another id may have come and gone meanwhile.
        broker.send(waiting(KINDS, at_most=1))


def owed_send() -> None:
    """Wake another worker, where this one gave a job back or let an id fall: now its own consumer takes it no more."""
    if _owed.is_set():
        broker.send(waiting(KINDS, at_most=1))


def _run_claimed(job_id: int) -> None:
    """Run the job, if this run gets hold of it."""
    found = claim(job_id, worker=f"{socket.gethostname()}-{os.getpid()}")
    if found is None:
        return
    job, held = found
    before = Progress(job.done, job.total, job.text, job.checkpoint)
    with Heart(held, before, time_limit_s=KINDS[job.kind].time_limit_s) as heart:
        ending = _outcome(job, heart.run)
    close_old_connections()  # the function may have left one that is broken
    try:
        written = held.release(said=heart.run.said, **ending)
    except DataError as error:  # a result that PostgreSQL cannot hold
        written = held.release(State.FAILED, heart.run.said, error=error_text(error))
    if not written:
        logger.warning("%s was not this run's any more: its end is not written", job)


def _outcome(job: Job, run: Run) -> dict[str, Any]:
    """What the row says of this run."""
    kind = KINDS[job.kind]
    try:
        result = msgspec.to_builtins(kind.function(kind.decoded(job.arguments), run))
    except JobCancelled:
        return {"state": State.CANCELLED}
    except (WorkerStopping, ClaimLost):  # no fault of the job's; what another run holds is not written
        return {"state": State.QUEUED, "attempts": F("attempts") - 1, **queue_again()}
    except (ArgumentsInvalid, JobRefused, TimeLimitExceeded) as error:
        return {"state": State.FAILED, "error": error_text(error)}
    except (Exception, SystemExit) as error:
        logger.exception("%s failed, attempt %s of %s", job, job.attempts, job.max_attempts)
        if job.attempts >= job.max_attempts:
            return {"state": State.FAILED, "error": error_text(error)}
        return {"state": State.QUEUED, "error": error_text(error), **queue_again(retry_pause_s(job.attempts))}
    return {"state": State.SUCCEEDED, "result": result, "error": ""}
