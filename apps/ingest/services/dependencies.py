"""What a worker works with."""

from collections.abc import Callable
from dataclasses import dataclass

from apps.datasets.core.document.applied_dataset import DatasetCatalogue
from apps.ingest.core.ports import GroupConsumer, Store, TopicAdmin
from apps.ingest.services.batch import Clock
from apps.ingest.services.membership import Membership


@dataclass(frozen=True, slots=True)
class WorkerDependencies:
    """The ports of a worker; `catalogue` lists the datasets, or raises RetriableStoreError."""

    membership: Membership
    consumer: GroupConsumer
    topics: TopicAdmin
    store: Store
    clock: Clock
    catalogue: Callable[[], DatasetCatalogue]
