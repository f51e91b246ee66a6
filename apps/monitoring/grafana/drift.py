"""Watching for edits by hand, and saying so in metrics."""

from apps.monitoring.grafana import station
from apps.monitoring.grafana.run_sync import Run, dashboards_drift
from apps.monitoring.grafana.sync.drift import Drift
from apps.monitoring.grafana.sync.history import History
from apps.monitoring.metrics import DRIFTED, SYNCED
from apps.telemetry.prometheus import gauge, gauge_values


def synced_tell(history: History) -> None:
    """Say in a metric when Grafana was last in step, 0 where nothing was ever sent to it.

    It needs no Grafana: the metric tells on while Grafana is away.
    """
    newest = history.newest()
    gauge(SYNCED).set(newest.in_step_at.timestamp() if newest else 0)


def drift_look(run: Run) -> tuple[Drift, ...]:
    """What was edited by hand; the metrics say it, too. Raises MonitoringError."""
    synced_tell(run.history)
    found = dashboards_drift(run, station.values())
    uids = {drift.key.uid for drift in found}
    for labels in gauge_values(DRIFTED):
        if labels[0] not in uids:
            gauge(DRIFTED).labels(*labels).set(0)
    for uid in uids:
        gauge(DRIFTED).labels(uid).set(1)
    return found
