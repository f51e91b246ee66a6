"""The heartbeat of a run: a thread that writes heartbeat and progress and enforces the time limit."""

import threading
import time
from typing import Final, Self

from django.db import Error, connection, transaction

from apps.jobs.core.errors import ClaimLost, JobCancelled, TimeLimitExceeded, WorkerStopping
from apps.jobs.core.rules import JobState, error_text
from apps.jobs.core.run import JobProgress, JobRun
from apps.jobs.services.claims import JobClaim

HEARTBEAT_S: Final = 2.0
STALE_S: Final = 60.0
"""Seconds without a heartbeat after which beat requeues the job and the run itself stops."""

stopping = threading.Event()
"""Set when this worker begins to shut down."""


class JobHeartbeat:
    """Context manager that sends heartbeats for the duration of the block. At the time limit, it fails the job.

    A hanging function cannot be killed: it keeps its thread but loses its job.
    """

    def __init__(self, claim: JobClaim, progress: JobProgress, *, time_limit_s: float) -> None:
        self.run = JobRun(progress, self._check)
        self._claim = claim
        self._limit_s = time_limit_s
        self._deadline_s = time.monotonic() + time_limit_s
        self._last_beat_s = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._loop, name=f"heartbeat of job {claim.job_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self._over.set()
        self._thread.join()

    def _check(self) -> None:
        """Called by `progress` before anything else."""
        if transaction.get_connection().in_atomic_block:
            raise transaction.TransactionManagementError("call progress after the commit, not inside a transaction")
        if time.monotonic() - self._last_beat_s > STALE_S:
            raise ClaimLost
        if stopping.is_set():
            self.run.end(WorkerStopping())

    def _loop(self) -> None:
        try:
            while not self._over.wait(min(HEARTBEAT_S, max(0.5, self._deadline_s - time.monotonic()))):
                if not self._beat():
                    return
        finally:
            connection.close()

    def _beat(self) -> bool:
        """Send one heartbeat. Return whether to continue; database errors are retried at the next one."""
        try:
            if time.monotonic() >= self._deadline_s:
                timeout = TimeLimitExceeded(f"not finished after {self._limit_s:g} s")
                self.run.end(timeout)
                self._claim.release(JobState.FAILED, self.run.last_progress, error=error_text(timeout))
                return False
            cancelled = self._claim.heartbeat(self.run.last_progress)
        except Error:
            connection.close()
            return True
        if cancelled is None:
            self.run.end(ClaimLost())
            return False
        self._last_beat_s = time.monotonic()
        if cancelled:
            self.run.end(JobCancelled())
        return True
