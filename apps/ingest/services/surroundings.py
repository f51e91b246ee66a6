"""What a worker works with."""

from collections.abc import Callable
from dataclasses import dataclass

from apps.datasets.core.document.applied import Catalogue
from apps.ingest.core.ports import Broker, Store, Topics
from apps.ingest.services.batch import Clock
from apps.ingest.services.membership import Membership


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The ports of a worker; `catalogue` lists the datasets, or raises StoreUnavailable."""

    membership: Membership
    broker: Broker
    topics: Topics
    store: Store
    clock: Clock
    catalogue: Callable[[], Catalogue]
