"""Errors of metric sources, named by the caller's reaction."""


class MonitoringError(Exception):
    """Monitoring failed."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__)


class SourceUnavailable(MonitoringError):
    """A metric source is unavailable: keep the last known state and retry later."""

    sent = True
    """Whether the call may have arrived; False only if it certainly was not sent."""


class SourceThrottled(SourceUnavailable):
    """A metric source throttles: wait longer before the next call."""


class SourceRefused(MonitoringError):
    """A metric source rejects the call for good: fix its URL, its credentials or the query."""

    sent = True
    """As in SourceUnavailable."""
