"""Periodic tasks of monitoring."""

import logging

from celery import shared_task
from django.conf import settings

from apps.monitoring.grafana import configuration
from apps.monitoring.grafana.database_history import DatabaseSyncHistory
from apps.monitoring.grafana.drift_check import drift_check, sync_metrics_update
from apps.monitoring.grafana.sync.report import drift_lines
from apps.telemetry.errors import MonitoringError

logger = logging.getLogger(__name__)


@shared_task(name="monitoring.detect_drift", ignore_result=True)
def detect_drift() -> int:
    """Log and count the objects edited by hand in Grafana; returns their number.

    Does nothing if Grafana is not configured. If Grafana is unavailable or refuses, logs a warning: the next check may
    succeed.
    """
    if settings.GRAFANA.url is None:
        return 0
    sync_metrics_update(DatabaseSyncHistory())
    try:
        found = drift_check(configuration.run())
    except MonitoringError as error:
        logger.warning("cannot check Grafana for manual edits: %s", error)
        return 0
    for line in drift_lines(found):
        logger.warning("edited by hand in Grafana (synced → current): %s", line)
    return len(found)
