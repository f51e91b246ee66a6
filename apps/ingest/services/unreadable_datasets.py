"""Datasets whose contract this version of Andén cannot use."""

import logging
from collections.abc import Collection
from typing import Final

from apps.datasets.core.document.applied_dataset import UnreadableDataset
from apps.ingest.adapters.instrumentation import set_stopped
from apps.ingest.core.ports import Store

LOGGER: Final = logging.getLogger("apps.ingest")


class UnreadableDatasets:
    """Tracks datasets that cannot be read; `reasons` is by dataset name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reported: dict[str, str] = {}
        self.reasons: dict[str, str] = {}

    def has_news(self, unreadable: Collection[UnreadableDataset]) -> bool:
        """Whether `set_aside` has a new reason to report."""
        return any(self._reported.get(dataset.name) != dataset.reason for dataset in unreadable)

    def set_aside(self, unreadable: Collection[UnreadableDataset]) -> None:
        """Log and store once why each of these cannot be read. Raises RetriableStoreError."""
        self.reasons = {dataset.name: dataset.reason for dataset in unreadable}
        for dataset in unreadable:
            if self._reported.get(dataset.name) == dataset.reason:
                continue
            LOGGER.error("%s is stopped: %s", dataset.name, dataset.reason)
            set_stopped(dataset.name, 1)
            self._store.set_unreadable(dataset.id, dataset.reason)
            self._reported[dataset.name] = dataset.reason
        for name in self._reported.keys() - self.reasons.keys():
            del self._reported[name]
            set_stopped(name, 0)
