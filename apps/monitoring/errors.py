"""The errors of monitoring, named by the caller's reaction."""

from apps.telemetry.errors import MonitoringError


class RenderedFilesStale(MonitoringError):
    """Committed files differ from what the code renders: run `make render` and commit."""


class GrafanaUnavailable(MonitoringError):
    """Grafana did not answer or was overloaded after all retries; nothing more was sent. Run it again."""


class GrafanaRefused(MonitoringError):
    """Grafana refused the request: check the token, its permissions, and Grafana's version."""


class GrafanaConflict(MonitoringError):
    """The object changed in Grafana meanwhile: review the plan and run it again."""


class ManifestInvalid(MonitoringError):
    """A rendered file is invalid or has an unset placeholder: fix the file or set the variable."""


class SyncRefused(MonitoringError):
    """Objects that Andén does not manage block the sync; nothing was sent. Follow the hint in each line."""


class SyncNotFound(MonitoringError):
    """That sync is not in the history: `manage.py dashboards rollback --list` shows the available ones."""


class PruneRefused(MonitoringError):
    """Too much would be deleted: review the plan, then pass --force."""
