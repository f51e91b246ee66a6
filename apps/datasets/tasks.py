"""What beat asks for, so that the station keeps going: days ahead, days behind, tombstones."""

import logging
from typing import Final

from celery import shared_task
from django.conf import settings

from apps.datasets.adapters.connections import connect
from apps.datasets.adapters.ledger import ensure_ledger_days
from apps.datasets.adapters.retention import drop_ledger_days, purge_tombstones
from apps.datasets.core.contract import Mode
from apps.datasets.selectors import dataset_list

ALIAS: Final = "default"

logger = logging.getLogger(__name__)


@shared_task(name="datasets.ensure_ledger_days", ignore_result=True)
def make_ledger_days_ahead() -> int:
    """Make the ledger's next days, before a batch has to; days made."""
    with connect(ALIAS, autocommit=True) as connection:
        return ensure_ledger_days(connection)


@shared_task(name="datasets.drop_ledger_days", ignore_result=True)
def drop_old_ledger_days() -> int:
    """Drop the ledger's days older than ANDEN_DATASETS_LEDGER_DAYS; days dropped."""
    with connect(ALIAS, autocommit=True) as connection:
        dropped = drop_ledger_days(connection, keep_days=settings.DATASETS.ledger_days)
    if dropped:
        logger.info("dropped %s days of the ledger", dropped)
    return dropped


@shared_task(name="datasets.purge_tombstones", ignore_result=True)
def purge_old_tombstones() -> int:
    """Delete tombstones older than ANDEN_DATASETS_TOMBSTONE_DAYS from every upsert dataset; rows deleted."""
    upserts = [dataset for dataset in dataset_list() if dataset.contract.mode is Mode.UPSERT]
    with connect(ALIAS, autocommit=True) as connection:
        purged = sum(
            purge_tombstones(connection, dataset.id, older_days=settings.DATASETS.tombstone_days)
            for dataset in upserts
        )
    if purged:
        logger.info("purged %s tombstones", purged)
    return purged
