"""`manage.py ingest [DATASET…]`: store records from Kafka in the datasets' tables."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.datasets.core.errors import DatasetsError
from apps.ingest.adapters.watchdog import Watchdog
from apps.ingest.core.errors import IngestError
from apps.ingest.services.run_limits import RunLimits
from apps.ingest.services.run_summary import RunSummary
from apps.ingest.services.worker_factory import worker_make


class Command(BaseCommand):
    """Runs one worker."""

    help = "Store records from Kafka in the tables of these datasets, or of all; each exactly once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("datasets", nargs="*", metavar="DATASET")
        parser.add_argument("--until-idle", action="store_true", help="exit when every topic is read to its end")
        parser.add_argument("--max-records", type=int, metavar="N", help="exit after N records")

    def handle(self, *_args: Any, **options: Any) -> None:
        limit = options["max_records"]
        if limit is not None and limit < 1:
            raise CommandError("--max-records must be at least 1")
        limits = RunLimits(until_idle=options["until_idle"], max_records=limit)
        try:
            worker = worker_make(options["datasets"], ingest=settings.INGEST, kafka=settings.KAFKA, limits=limits)
            with Watchdog(worker.stop):
                totals = worker.run()
        except (IngestError, DatasetsError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(summary_line(totals))
        if limits.bounded and totals.stopped:
            raise CommandError("; ".join(f"{name} is stopped: {why}" for name, why in totals.stopped.items()))


def summary_line(totals: RunSummary) -> str:
    """The totals in one line."""
    return f"{totals.records} records: {totals.rows} rows, {totals.rejects} rejects"
