"""Datasets that this version of Andén cannot read for."""

import logging
from collections.abc import Collection
from typing import Final

from apps.datasets.core.document.applied import UnreadableDataset
from apps.ingest.adapters.meter import show_stopped
from apps.ingest.core.ports import Store

LOGGER: Final = logging.getLogger("apps.ingest")


class UnreadableDatasets:
    """Says of each why nobody reads it: `troubles` by its name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._told: dict[str, str] = {}
        self.troubles: dict[str, str] = {}

    def unheard(self, unreadable: Collection[UnreadableDataset]) -> bool:
        """Whether `set_aside` has something new to say."""
        return any(self._told.get(one.name) != one.trouble for one in unreadable)

    def set_aside(self, unreadable: Collection[UnreadableDataset]) -> None:
        """Say of these why nobody reads them, once each. Raises StoreUnavailable."""
        self.troubles = {one.name: one.trouble for one in unreadable}
        for one in unreadable:
            if self._told.get(one.name) == one.trouble:
                continue
            LOGGER.error("%s: it is stopped: %s", one.name, one.trouble)
            show_stopped(one.name, 1)
            self._store.note_unreadable(one.id, one.trouble)
            self._told[one.name] = one.trouble
        for name in self._told.keys() - self.troubles.keys():
            del self._told[name]
            show_stopped(name, 0)
