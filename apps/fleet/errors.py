"""The errors of the fleet, named by the caller's reaction."""

from apps.telemetry.errors import MonitoringError


class SourceInvalid(MonitoringError):
    """The source holds something that cannot be read as signals: the message names the file and the place."""


class EvaluatorBusy(MonitoringError):
    """Another process is evaluating the fleet: leave it to that one."""


class TransitionRefused(MonitoringError):
    """The incident cannot change to this status, or the required reason or note is missing."""
