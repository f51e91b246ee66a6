"""The dependencies of a worker."""

from collections.abc import Callable
from dataclasses import dataclass

from apps.datasets.core.document.applied_dataset import DatasetCatalogue
from apps.ingest.core.ports import Clock, GroupConsumer, Store, TopicAdmin
from apps.ingest.services.membership import Membership


@dataclass(frozen=True, slots=True)
class WorkerDependencies:
    """A worker's ports. `catalogue` lists the datasets; raises RetriableStoreError."""

    membership: Membership
    consumer: GroupConsumer
    topics: TopicAdmin
    store: Store
    clock: Clock
    catalogue: Callable[[], DatasetCatalogue]
