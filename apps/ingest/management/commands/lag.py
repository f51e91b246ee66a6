"""`manage.py lag`: export every dataset's lag, every few seconds."""

import datetime
import signal
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from apps.datasets.management.base import AndenCommand
from apps.ingest.adapters.kafka_client import client_config
from apps.ingest.adapters.kafka_topic_admin import KafkaTopicAdmin
from apps.ingest.adapters.partition_ends import KafkaPartitionEnds
from apps.ingest.core.errors import IngestError
from apps.ingest.selectors import dataset_topics, positions
from apps.ingest.services.lag import DatasetLag, LagExporter, ends_store


class Command(AndenCommand):
    """Runs the exporter, or measures once."""

    alias = "ingest"
    expected_errors = (IngestError,)

    help = "Export the lag of every dataset from stored positions and the ends of topics."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="print one measurement and exit")

    def handle(self, *_args: Any, **options: Any) -> None:
        config = client_config(settings.KAFKA)
        topics = KafkaTopicAdmin(config)
        exporter = LagExporter(topics, KafkaPartitionEnds(topics, config), dataset_topics, positions, ends_store)
        if options["once"]:
            self._print(exporter)
            return
        leave = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: leave.set())
        while not leave.is_set():
            exporter.export(now_s=time.time())
            leave.wait(settings.INGEST.lag_every_s)

    def _print(self, exporter: LagExporter) -> None:
        lags = exporter.measure(now_s=time.time())
        width = max(map(len, (*(lag.dataset for lag in lags.measured), *lags.missing)), default=0) + 1
        digits = max((len(str(lag.records)) for lag in lags.measured), default=0)
        for lag in lags.measured:
            fresh = "no batch yet" if lag.freshness_s is None else f"last batch {lag.freshness_s:.0f} s ago"
            self.stdout.write(
                f"{lag.dataset + ':':<{width}} {lag.records:>{digits}} records behind, {fresh}{_held_back(lag)}"
            )
        for name, why in lags.missing.items():
            self.stdout.write(f"{name + ':':<{width}} {why}")
        if lags.unmeasured:
            raise CommandError("; ".join(f"cannot measure {name}: {why}" for name, why in lags.unmeasured.items()))


def _held_back(lag: DatasetLag) -> str:
    if lag.held_since_s is None:
        return ""
    since = datetime.datetime.fromtimestamp(lag.held_since_s, datetime.UTC)
    return f"; {lag.held_back} held back by an open transaction since {since:%Y-%m-%d %H:%M:%S} UTC"
