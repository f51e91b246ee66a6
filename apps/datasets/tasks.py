"""Scheduled tasks: ledger partitions, tombstones, the heartbeat."""

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
    """Create the next ledger partitions in advance; return their number."""
    with connect(ALIAS, autocommit=True) as connection:
        return ensure_ledger_days(connection)


@shared_task(name="datasets.drop_ledger_days", ignore_result=True)
def drop_old_ledger_days() -> int:
    """Drop ledger partitions older than ANDEN_DATASETS_LEDGER_DAYS; return their number."""
    with connect(ALIAS, autocommit=True) as connection:
        dropped = drop_ledger_days(connection, keep_days=settings.DATASETS.ledger_days)
    if dropped:
        logger.info("dropped %s ledger partitions", dropped)
    return dropped


@shared_task(name="datasets.purge_tombstones", ignore_result=True)
def purge_old_tombstones() -> int | None:
    """Queue the job that deletes tombstones older than ANDEN_DATASETS_TOMBSTONE_DAYS; return its id.

    None if the previous one is still queued or running.
    """
    purge = TombstonePurge(older_days=settings.DATASETS.tombstone_days)
    return None if is_pending(tombstone_purge, purge) else enqueue(tombstone_purge, purge, actor="")


@shared_task(name="datasets.heartbeat", ignore_result=True)
def record_heartbeat() -> None:
    """Record that beat and a worker are alive, until when the ledger has partitions, and when contracts end.

    Timestamps, not durations: if nothing updates them, their age still grows.
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
