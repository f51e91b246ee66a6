"""Watching for edits by hand, and saying so in metrics."""

from apps.datasets.adapters.prometheus import gauge, gauge_values
from apps.monitoring.core.grafana.drift import Drift
from apps.monitoring.metrics import DRIFTED, SYNCED
from apps.monitoring.services import grafana_station
from apps.monitoring.services.grafana_sync import Run, dashboards_drift


def drift_look(run: Run) -> tuple[Drift, ...]:
    """What was edited by hand; the metrics say it, too. Raises MonitoringError."""
    newest = run.history.newest()
    manifest = grafana_station.manifest_read(policy=False)[0] if newest is None else newest.manifest
    found = dashboards_drift(run, manifest, grafana_station.values())
    uids = {drift.key.uid for drift in found}
    for labels in gauge_values(DRIFTED):
        if labels[0] not in uids:
            gauge(DRIFTED).labels(*labels).set(0)
    for uid in uids:
        gauge(DRIFTED).labels(uid).set(1)
    if newest is not None:
        gauge(SYNCED).set(newest.at.timestamp())
    return found
