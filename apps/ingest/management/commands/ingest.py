"""`manage.py ingest [DATASET…]`: move records from Kafka into the datasets' tables."""

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

    help = "Move records from Kafka into the tables of these datasets, or of all; each exactly once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("datasets", nargs="*", metavar="DATASET")
        parser.add_argument("--until-idle", action="store_true", help="end when every topic is read to its end")
        parser.add_argument("--max-records", type=int, metavar="N", help="end after so many records")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the worker until it is done or asked to leave."""
        limit = options["max_records"]
        if limit is not None and limit < 1:
            raise CommandError("--max-records is at least 1")
        limits = RunLimits(until_idle=options["until_idle"], max_records=limit)
        try:
            worker = worker_make(options["datasets"], ingest=settings.INGEST, kafka=settings.KAFKA, limits=limits)
            with Watchdog(worker.stop):
                moved = worker.run()
        except (IngestError, DatasetsError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(summary(moved))
        if limits.bounded and moved.stopped:
            raise CommandError("; ".join(f"{name} is stopped: {why}" for name, why in moved.stopped.items()))


def summary(moved: RunSummary) -> str:
    """One line about what was moved."""
    return f"{moved.records} records: {moved.rows} rows, {moved.rejects} rejects"
