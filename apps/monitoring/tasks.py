"""What beat asks of monitoring."""

import logging

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from apps.datasets.adapters import prometheus
from apps.jobs.selectors import jobs_counted, oldest_waiting
from apps.monitoring.core.errors import MonitoringError
from apps.monitoring.core.grafana.show import drift_lines
from apps.monitoring.metrics import JOBS, JOBS_WAITING
from apps.monitoring.services import grafana_station
from apps.monitoring.services.fleet import fleet_purge
from apps.monitoring.services.grafana_drift import drift_look, synced_tell
from apps.monitoring.services.grafana_history import StoredHistory

logger = logging.getLogger(__name__)


@shared_task(name="monitoring.look_for_drift", ignore_result=True)
def look_for_drift() -> int:
    """Name what was edited by hand in Grafana, in the log and in metrics; objects edited.

    Does nothing where no Grafana is set; one that is away or refuses is a warning, for the next look may succeed.
    """
    if settings.GRAFANA.url is None:
        return 0
    synced_tell(StoredHistory())
    try:
        found = drift_look(grafana_station.run())
    except MonitoringError as error:
        logger.warning("cannot look for edits by hand in Grafana: %s", error)
        return 0
    for line in drift_lines(found):
        logger.warning("edited by hand in Grafana (sent → there now): %s", line)
    return len(found)


@shared_task(name="monitoring.purge_fleet", ignore_result=True)
def purge_fleet() -> int:
    """Delete evaluations of the fleet, and services nobody saw, older than ANDEN_FLEET_KEEP_DAYS; rows deleted."""
    evaluations, services = fleet_purge(timezone.now())
    if evaluations or services:
        logger.info("deleted %s old evaluations of the fleet and %s vanished services", evaluations, services)
    return evaluations + services


@shared_task(name="monitoring.count_jobs", ignore_result=True)
def count_jobs() -> None:
    """Show how many jobs are queued, running and failed, and since when each kind waits."""
    for state, count in jobs_counted().items():
        prometheus.gauge(JOBS).labels(state).set(count)
    oldest = oldest_waiting()
    for kind, since in oldest.items():
        prometheus.gauge(JOBS_WAITING).labels(kind).set(since.timestamp())
    for (kind,) in prometheus.gauge_values(JOBS_WAITING).keys() - {(kind,) for kind in oldest}:
        prometheus.forget(JOBS_WAITING, kind)
