"""The errors of jobs, named by the caller's reaction."""


class JobsError(Exception):
    """Jobs failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class ArgumentsInvalid(JobsError):
    """The arguments break a rule of their kind: mend the field that is named."""


class JobRefused(JobsError):
    """A kind's function raises it when no further attempt can succeed: the job fails at once."""


class RunEnded(BaseException):
    """This run is over: leave the function. No Exception, so that a function that catches those cannot swallow it."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class JobCancelled(RunEnded):
    """A person cancelled the job."""


class WorkerStopping(RunEnded):
    """The worker is asked to stop: the job goes back into the queue."""


class ClaimLost(RunEnded):
    """Another run may have taken the job over: nothing of this one is written any more."""


class TimeLimitExceeded(RunEnded):
    """The job ran for longer than its kind allows."""
