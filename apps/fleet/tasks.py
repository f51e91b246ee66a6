"""What beat asks of the fleet."""

import logging

from celery import shared_task
from django.utils import timezone

from apps.fleet.services.evaluation import fleet_purge

logger = logging.getLogger("apps.monitoring.tasks")


@shared_task(name="monitoring.purge_fleet", ignore_result=True)
def purge_fleet() -> int:
    """Delete evaluations of the fleet, and services nobody saw, older than ANDEN_FLEET_KEEP_DAYS; rows deleted."""
    evaluations, services = fleet_purge(timezone.now())
    if evaluations or services:
        logger.info("deleted %s old evaluations of the fleet and %s vanished services", evaluations, services)
    return evaluations + services
