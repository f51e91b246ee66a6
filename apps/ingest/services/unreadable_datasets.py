"""Datasets that this version of Andén cannot read for."""

import logging
from collections.abc import Collection
from typing import Final

from apps.datasets.core.document.applied_dataset import UnreadableDataset
from apps.ingest.adapters.instrumentation import set_stopped
from apps.ingest.core.ports import Store

LOGGER: Final = logging.getLogger("apps.ingest")


class UnreadableDatasets:
    """Says of each why nobody reads it: `reasons` by its name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: dict[str, str] = {}
        self.reasons: dict[str, str] = {}

    def has_news(self, unreadable: Collection[UnreadableDataset]) -> bool:
        """Whether `set_aside` has something new to say."""
        return any(self._told.get(one.name) != one.reason for one in unreadable)

    def set_aside(self, unreadable: Collection[UnreadableDataset]) -> None:
        """Say of these why nobody reads them, once each. Raises RetriableStoreError."""
        self.reasons = {one.name: one.reason for one in unreadable}
        for one in unreadable:
            if self._told.get(one.name) == one.reason:
                continue
            LOGGER.error("%s: it is stopped: %s", one.name, one.reason)
            set_stopped(one.name, 1)
            self._store.set_unreadable(one.id, one.reason)
            self._told[one.name] = one.reason
        for name in self._told.keys() - self.reasons.keys():
            del self._told[name]
            set_stopped(name, 0)
