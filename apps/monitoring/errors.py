"""The errors of monitoring, named by the caller's reaction."""

from apps.telemetry.errors import MonitoringError


class RenderedFilesStale(MonitoringError):
    """Committed files are not what the code renders: run `make render` and commit."""


class GrafanaUnavailable(MonitoringError):
    """Grafana does not answer or is overloaded, after all retries: nothing more was sent, run it again."""


class GrafanaRefused(MonitoringError):
    """Grafana refuses: mend the token, its permissions, or Grafana's version."""


class GrafanaConflict(MonitoringError):
    """Somebody else changed the same object in Grafana meanwhile: look at the plan and run it again."""


class ManifestInvalid(MonitoringError):
    """The rendered files cannot be sent to Grafana as they are: mend the file, or set the variable."""


class SyncRefused(MonitoringError):
    """Something that is not Andén's stands in the way: nothing was sent; each line says what to do."""


class SyncNotFound(MonitoringError):
    """No such synchronisation is kept: `manage.py dashboards rollback --list` shows those that are."""


class PruneRefused(MonitoringError):
    """Too much would be deleted: look at the plan, then say --force."""
