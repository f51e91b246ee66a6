"""The errors of whoever reads what others measured, named by the caller's reaction."""


class MonitoringError(Exception):
    """Monitoring failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class SourceUnavailable(MonitoringError):
    """A source of signals does not answer or refuses for now: keep what is known and ask again later."""

    sent = True
    """Whether the call may have arrived; False only where it certainly never left."""


class SourceThrottled(SourceUnavailable):
    """A source of signals is asked too often: wait longer before asking again."""


class SourceRefused(MonitoringError):
    """A source of signals refuses for good: mend its address, its credentials or the query."""

    sent = True
    """As SourceUnavailable's."""
