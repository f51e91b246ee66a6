"""Build a worker from the settings."""

from collections.abc import Collection
from functools import partial

from apps.datasets.adapters.database.connections import connect
from apps.ingest.adapters.answer_deadline import deadline_connection
from apps.ingest.adapters.clock import SystemClock
from apps.ingest.adapters.kafka_client import client_config, consumer_config
from apps.ingest.adapters.kafka_consumer import KafkaConsumer
from apps.ingest.adapters.kafka_group import KafkaGroup
from apps.ingest.adapters.kafka_topic_admin import KafkaTopicAdmin
from apps.ingest.adapters.postgres_store import KEEPALIVE, PostgresStore
from apps.ingest.conf import IngestSettings, KafkaSettings
from apps.ingest.selectors import ALIAS, catalogue, database_identity
from apps.ingest.services.dependencies import WorkerDependencies
from apps.ingest.services.membership import Membership
from apps.ingest.services.run_limits import RunLimits
from apps.ingest.services.worker import Worker


def worker_make(names: Collection[str], *, ingest: IngestSettings, kafka: KafkaSettings, limits: RunLimits) -> Worker:
    """A worker for these datasets, or for all current and future ones.

    Raises DatasetUnknown, RetriableStoreError.
    """
    datasets = catalogue(names)
    group = KafkaGroup(client_config(kafka), kafka.group_id)
    membership = Membership(group, group_id=kafka.group_id, database=database_identity)
    session = {"connection_class": deadline_connection(ingest.statement_deadline_s)}
    dependencies = WorkerDependencies(
        membership=membership,
        consumer=KafkaConsumer(consumer_config(kafka) | {"client.id": membership.client_id}),
        topics=KafkaTopicAdmin(client_config(kafka)),
        store=PostgresStore(partial(connect, ALIAS, **KEEPALIVE | session), worker=ingest.worker_name),
        clock=SystemClock(),
        catalogue=datasets,
    )
    return Worker(dependencies, ingest.policy, refresh_s=ingest.refresh_s, limits=limits)
