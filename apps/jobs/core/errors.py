"""Errors of background jobs, named by the caller's reaction."""


class JobsError(Exception):
    """A background job failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class ArgumentsInvalid(JobsError):
    """The arguments do not match their kind: fix the named field."""


class JobRefused(JobsError):
    """Raised by a job's function if no further attempt can succeed: the job fails without a retry."""


class RunEnded(BaseException):
    """This run must stop: let it propagate. Not an Exception, so that `except Exception` does not catch it."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class JobCancelled(RunEnded):
    """A user cancelled the job."""


class WorkerStopping(RunEnded):
    """The worker is shutting down: the job returns to the queue."""


class ClaimLost(RunEnded):
    """Another run may have taken over the job: further writes of this run are rejected."""


class TimeLimitExceeded(RunEnded):
    """The job exceeded its kind's time limit."""
