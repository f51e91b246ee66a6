"""The errors of the fleet, named by the caller's reaction."""

from apps.telemetry.errors import MonitoringError


class SourceInvalid(MonitoringError):
    """What the source holds cannot be read as signals: the message names the file and the place."""


class EvaluatorBusy(MonitoringError):
    """Another process evaluates the fleet: leave it to that one."""


class TransitionRefused(MonitoringError):
    """An incident cannot go to this status from where it is, or lacks the reason that the status needs."""
