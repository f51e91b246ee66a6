"""What beat asks for, so that the station keeps going: days ahead, days behind, tombstones, a heartbeat."""

import datetime
import logging
import time
from typing import Final

from celery import shared_task
from django.conf import settings

from apps.datasets.adapters.database.connections import connect
from apps.datasets.adapters.table.ledger import ensure_ledger_days, ledger_partitions_end
from apps.datasets.adapters.table.retention import drop_ledger_days
from apps.datasets.core.table.month_bounds import month_start
from apps.datasets.jobs import TombstonePurge, tombstone_purge
from apps.datasets.metrics import BEAT, CONTRACT_END, LEDGER_PARTITIONS_END
from apps.datasets.selectors import dataset_list
from apps.jobs.services.queue import enqueue, is_pending
from apps.telemetry import prometheus

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
def purge_old_tombstones() -> int | None:
    """Queue the job that deletes tombstones older than ANDEN_DATASETS_TOMBSTONE_DAYS; its id.

    None where the last one is queued or runs still.
    """
    purge = TombstonePurge(older_days=settings.DATASETS.tombstone_days)
    return None if is_pending(tombstone_purge, purge) else enqueue(tombstone_purge, purge, actor="")


@shared_task(name="datasets.heartbeat", ignore_result=True)
def record_heartbeat() -> None:
    """Show that beat and a worker live, until when the ledger reaches, and when contracts allow no more months.

    Moments, not distances: when nobody sets them any more, they still grow old.
    """
    prometheus.gauge(BEAT).set(time.time())
    with connect(ALIAS, autocommit=True) as connection:
        prometheus.gauge(LEDGER_PARTITIONS_END).set(ledger_partitions_end(connection).timestamp())
    latest = {dataset.contract.name: dataset.contract.latest for dataset in dataset_list()}
    ends: dict[tuple[str, ...], float] = {
        (name,): _month_end(month).timestamp() for name, month in latest.items() if month is not None
    }
    prometheus.replace_series(CONTRACT_END, ends)


def _month_end(month: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(month_start(month, shift=1), datetime.time(), datetime.UTC)
