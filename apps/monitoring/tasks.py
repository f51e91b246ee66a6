"""What beat asks of monitoring."""

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
    """Name what was edited by hand in Grafana, in the log and in metrics; objects edited.

    Does nothing where no Grafana is set; one that is away or refuses is a warning, for the next look may succeed.
    """
    if settings.GRAFANA.url is None:
        return 0
    sync_metrics_update(DatabaseSyncHistory())
    try:
        found = drift_check(configuration.run())
    except MonitoringError as error:
        logger.warning("cannot look for edits by hand in Grafana: %s", error)
        return 0
    for line in drift_lines(found):
        logger.warning("edited by hand in Grafana (sent → there now): %s", line)
    return len(found)
