"""The heart of a run: a thread that says that it lives, writes its progress, and ends it in time."""

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
"""Silence after which a run is taken for dead: by beat, which queues the job again, and by the run itself."""

stopping = threading.Event()
"""Set once this worker is asked to stop."""


class JobHeartbeat:
    """Beats as long as the block lasts, and no longer than the time limit: then it fails the job in the run's place.

    A function that hangs cannot be ended from outside: it holds its thread, but no longer its job.
    """

    def __init__(self, held: JobClaim, before: JobProgress, *, time_limit_s: float) -> None:
        self.run = JobRun(before, self._check)
        self._held = held
        self._limit_s = time_limit_s
        self._until_s = time.monotonic() + time_limit_s
        self._beaten_s = time.monotonic()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, name=f"heart of job {held.job_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_about: object) -> None:
        self._over.set()
        self._thread.join()

    def _check(self) -> None:
        """What `progress` asks before anything else."""
        if transaction.get_connection().in_atomic_block:
            raise transaction.TransactionManagementError("progress is said after the commit, not inside a transaction")
        if time.monotonic() - self._beaten_s > STALE_S:
            raise ClaimLost
        if stopping.is_set():
            self.run.end(WorkerStopping())

    def _keep(self) -> None:
        try:
            while not self._over.wait(min(HEARTBEAT_S, max(0.5, self._until_s - time.monotonic()))):
                if not self._beat():
                    return
        finally:
            connection.close()

    def _beat(self) -> bool:
        """Whether the heart goes on; a database that is away may be back at the next beat."""
        try:
            if time.monotonic() >= self._until_s:
                late = TimeLimitExceeded(f"no end after {self._limit_s:g} s")
                self.run.end(late)
                self._held.release(JobState.FAILED, self.run.last_progress, error=error_text(late))
                return False
            cancelled = self._held.beat(self.run.last_progress)
        except Error:
            connection.close()
            return True
        if cancelled is None:
            self.run.end(ClaimLost())
            return False
        self._beaten_s = time.monotonic()
        if cancelled:
            self.run.end(JobCancelled())
        return True
