"""`manage.py topics ensure|accept`: create the topics of contracts, or accept a changed topic."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.datasets.core.errors import DatasetsError
from apps.ingest.adapters.kafka_client import client_config, consumer_config
from apps.ingest.adapters.kafka_consumer import KafkaConsumer
from apps.ingest.adapters.kafka_topic_admin import KafkaTopicAdmin
from apps.ingest.core.errors import IngestError
from apps.ingest.selectors import catalogue
from apps.ingest.services.topics import topic_accept, topics_ensure


class Command(BaseCommand):
    """Creates and accepts topics."""

    help = "Create missing topics of the datasets, or accept a changed topic."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        ensure = actions.add_parser("ensure", help="create missing topics; existing ones are not changed")
        ensure.add_argument("datasets", nargs="*", metavar="DATASET")
        accept = actions.add_parser(
            "accept", help="resume with a topic that was recreated, was truncated, or lost offsets to retention"
        )
        accept.add_argument("datasets", nargs=1, metavar="DATASET")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            found = catalogue(options["datasets"])()
            for unreadable in found.unreadable:
                self.stderr.write(self.style.WARNING(unreadable.reason))
            datasets = found.readable
            topics = KafkaTopicAdmin(client_config(settings.KAFKA))
            if options["action"] == "ensure":
                factor = settings.KAFKA.replication_factor
                for result in topics_ensure(datasets, topics, replication_factor=factor):
                    self.stdout.write(f"{result.topic}: {result.outcome}, {result.partitions} partitions")
            elif not datasets:
                raise CommandError("cannot accept: the contract cannot be read")
            else:
                consumer = KafkaConsumer(consumer_config(settings.KAFKA))
                lines = topic_accept(datasets[0], topics, consumer) or [
                    "nothing to accept: the positions match the topic"
                ]
                for line in lines:
                    self.stdout.write(line)
        except (IngestError, DatasetsError) as error:
            raise CommandError(str(error)) from error
