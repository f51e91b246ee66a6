"""Detects manual edits in Grafana and exports them as metrics."""

from apps.monitoring.grafana import configuration
from apps.monitoring.grafana.services import SyncContext, dashboards_drift
from apps.monitoring.grafana.sync.drift import Drift
from apps.monitoring.grafana.sync.history import SyncHistory
from apps.monitoring.metrics import DRIFTED, LAST_SYNC
from apps.telemetry.prometheus import gauge, gauge_values


def sync_metrics_update(history: SyncHistory) -> None:
    """Export when Grafana was last in sync, 0 if never.

    It does not query Grafana, so the metric stays current while Grafana is unavailable.
    """
    newest = history.newest()
    gauge(LAST_SYNC).set(newest.in_sync_at.timestamp() if newest else 0)


def drift_check(run: SyncContext) -> tuple[Drift, ...]:
    """Find manual edits and export them. Raises MonitoringError."""
    sync_metrics_update(run.history)
    found = dashboards_drift(run, configuration.values())
    uids = {drift.key.uid for drift in found}
    for labels in gauge_values(DRIFTED):
        if labels[0] not in uids:
            gauge(DRIFTED).labels(*labels).set(0)
    for uid in uids:
        gauge(DRIFTED).labels(uid).set(1)
    return found
