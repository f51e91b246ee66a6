"""A worker of real parts, from the settings."""

from collections.abc import Collection
from functools import partial

from apps.datasets.adapters.database.connections import connect
from apps.ingest.adapters.clock import SystemClock
from apps.ingest.adapters.kafka_broker import KafkaBroker
from apps.ingest.adapters.kafka_client import client_config, consumer_config
from apps.ingest.adapters.kafka_group import KafkaGroup
from apps.ingest.adapters.kafka_topics import KafkaTopics
from apps.ingest.adapters.postgres_store import KEEPALIVE, PostgresStore
from apps.ingest.conf import IngestSettings, KafkaSettings
from apps.ingest.selectors import ALIAS, catalogue, database_identity
from apps.ingest.services.bounds import Bounds
from apps.ingest.services.membership import Membership
from apps.ingest.services.surroundings import Surroundings
from apps.ingest.services.worker import Worker


def worker_make(names: Collection[str], *, ingest: IngestSettings, kafka: KafkaSettings, bounds: Bounds) -> Worker:
    """A worker for these datasets, or for all that there are at any time.

    Raises DatasetUnknown, StoreUnavailable.
    """
    datasets = catalogue(names)
    group = KafkaGroup(client_config(kafka), kafka.group_id)
    membership = Membership(group, group_id=kafka.group_id, database=database_identity)
    around = Surroundings(
        membership=membership,
        broker=KafkaBroker(consumer_config(kafka) | {"client.id": membership.client_id}),
        topics=KafkaTopics(client_config(kafka)),
        store=PostgresStore(partial(connect, ALIAS, **KEEPALIVE), worker=ingest.worker_name),
        clock=SystemClock(),
        catalogue=datasets,
    )
    return Worker(around, ingest.policy, refresh_s=ingest.refresh_s, bounds=bounds)
