"""Watching for edits by hand, and saying so in metrics."""

from apps.monitoring.grafana import configuration
from apps.monitoring.grafana.services import SyncContext, dashboards_drift
from apps.monitoring.grafana.sync.drift import Drift
from apps.monitoring.grafana.sync.history import SyncHistory
from apps.monitoring.metrics import DRIFTED, LAST_SYNC
from apps.telemetry.prometheus import gauge, gauge_values


def sync_metrics_update(history: SyncHistory) -> None:
    """Say in a metric when Grafana was last in step, 0 where nothing was ever sent to it.

    It needs no Grafana: the metric tells on while Grafana is away.
    """
    newest = history.newest()
    gauge(LAST_SYNC).set(newest.in_sync_at.timestamp() if newest else 0)


def drift_check(run: SyncContext) -> tuple[Drift, ...]:
    """What was edited by hand; the metrics say it, too. Raises MonitoringError."""
    sync_metrics_update(run.history)
    found = dashboards_drift(run, configuration.values())
    uids = {drift.key.uid for drift in found}
    for labels in gauge_values(DRIFTED):
        if labels[0] not in uids:
            gauge(DRIFTED).labels(*labels).set(0)
    for uid in uids:
        gauge(DRIFTED).labels(uid).set(1)
    return found
