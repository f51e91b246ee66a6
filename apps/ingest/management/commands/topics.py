"""`manage.py topics ensure|accept`: make the topics that contracts ask for, or accept one as it is now."""

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
    """Makes and accepts topics."""

    help = "Make the topics of the datasets where they are missing, or accept a topic as it is now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        actions = parser.add_subparsers(dest="action", required=True)
        ensure = actions.add_parser("ensure", help="make missing topics; those that are there stay as they are")
        ensure.add_argument("datasets", nargs="*", metavar="DATASET")
        accept = actions.add_parser(
            "accept", help="go on with a topic that was made again, was cut, or lost offsets to its retention"
        )
        accept.add_argument("datasets", nargs=1, metavar="DATASET")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do the action."""
        try:
            found = catalogue(options["datasets"])()
            for unreadable in found.unreadable:
                self.stderr.write(self.style.WARNING(unreadable.reason))
            datasets = found.readable
            topics = KafkaTopicAdmin(client_config(settings.KAFKA))
            if options["action"] == "ensure":
                factor = settings.KAFKA.replication_factor
                for done in topics_ensure(datasets, topics, replication_factor=factor):
                    self.stdout.write(f"{done.topic}: {done.outcome}, {done.partitions} partitions")
            elif not datasets:
                raise CommandError("nothing to accept while the contract cannot be read")
            else:
                consumer = KafkaConsumer(consumer_config(settings.KAFKA))
                lines = topic_accept(datasets[0], topics, consumer) or [
                    "nothing to accept: the positions fit the topic"
                ]
                for line in lines:
                    self.stdout.write(line)
        except (IngestError, DatasetsError) as error:
            raise CommandError(str(error)) from error
