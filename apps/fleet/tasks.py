"""Periodic tasks of the fleet."""

import logging

from celery import shared_task
from django.utils import timezone

from apps.fleet.services.evaluation import fleet_purge

logger = logging.getLogger("apps.monitoring.tasks")


@shared_task(name="monitoring.purge_fleet", ignore_result=True)
def purge_fleet() -> int:
    """Delete evaluations and unseen services older than ANDEN_FLEET_KEEP_DAYS; returns how many rows."""
    evaluations, services = fleet_purge(timezone.now())
    if evaluations or services:
        logger.info("deleted %s old fleet evaluations and %s unseen services", evaluations, services)
    return evaluations + services
