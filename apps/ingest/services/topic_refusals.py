"""Topics that Kafka gives us no records of: missing, or refused."""

import logging
from collections.abc import Iterable
from typing import Final

from apps.ingest.core.errors import IngestError, missing_line
from apps.ingest.core.ports import Store, TargetTable
from apps.ingest.core.records import TopicStates

LOGGER: Final = logging.getLogger("apps.ingest")


class TopicRefusals:
    """Says of each dataset whose topic is refused why: `reasons` by the dataset's name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: dict[int, str] = {}
        self._waiting: set[str] = set()
        self.reasons: dict[str, str] = {}

    def has_news(self, targets: Iterable[TargetTable], seen: TopicStates) -> bool:
        """Whether `learn` will note or forget something."""
        return any(self._noted.get(target.dataset_id) != seen.refused.get(target.contract.topic) for target in targets)

    def update(self, targets: Iterable[TargetTable], seen: TopicStates) -> tuple[set[str], list[TargetTable]]:
        """The names of the datasets whose topic is no longer refused, and those whose reason is new: `note` them."""
        refused = {one.name: one for one in targets if one.contract.topic in seen.refused}
        over = self.reasons.keys() - refused.keys()
        self.reasons = {name: seen.refused[one.contract.topic] for name, one in refused.items()}
        standing = {one.dataset_id for one in refused.values()}
        self._noted = {id_: reason for id_, reason in self._noted.items() if id_ in standing}
        return over, [
            target for name, target in refused.items() if self._noted.get(target.dataset_id) != self.reasons[name]
        ]

    def note(self, target: TargetTable) -> None:
        """Say why, and write it where people look; to wait for a first topic is no stop."""
        reason = self.reasons[target.name]
        waits = reason == missing_line(target.contract.topic)
        try:
            waits = not self._store.set_refusal(target.dataset_id, target.contract.topic, reason) and waits
        except IngestError as error:
            self._store.reset()
            LOGGER.warning("could not note the trouble of %s: %s", target.name, error)
        else:
            self._noted[target.dataset_id] = reason
        if waits:
            self._waiting.add(target.name)
        else:
            self._waiting.discard(target.name)
            LOGGER.error("%s is stopped: %s", target.name, reason)

    def stops(self, name: str) -> bool:
        """Whether the dataset counts as stopped for its topic."""
        return name in self.reasons and name not in self._waiting
