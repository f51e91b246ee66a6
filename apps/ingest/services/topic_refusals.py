"""Topics that cannot be read: missing, or refused by Kafka."""

import logging
from collections.abc import Iterable
from typing import Final

from apps.ingest.core.errors import IngestError, missing_line
from apps.ingest.core.ports import Store, TargetTable
from apps.ingest.core.records import TopicStates

LOGGER: Final = logging.getLogger("apps.ingest")


class TopicRefusals:
    """Tracks datasets whose topic is missing or refused; `reasons` is by dataset name."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: dict[int, str] = {}
        self._waiting: set[str] = set()
        self.reasons: dict[str, str] = {}

    def has_news(self, targets: Iterable[TargetTable], states: TopicStates) -> bool:
        """Whether `update` will change anything."""
        return bool(states.refused or self._noted) and any(
            self._noted.get(target.dataset_id) != states.refused.get(target.contract.topic) for target in targets
        )

    def update(self, targets: Iterable[TargetTable], states: TopicStates) -> tuple[set[str], list[TargetTable]]:
        """The datasets whose topic is no longer refused, and those with a new reason, which need `record`."""
        refused = {
            target.name: target
            for target in (targets if states.refused else ())
            if target.contract.topic in states.refused
        }
        resolved = self.reasons.keys() - refused.keys()
        self.reasons = {name: states.refused[target.contract.topic] for name, target in refused.items()}
        current = {target.dataset_id for target in refused.values()}
        self._noted = {id_: reason for id_, reason in self._noted.items() if id_ in current}
        return resolved, [
            target for name, target in refused.items() if self._noted.get(target.dataset_id) != self.reasons[name]
        ]

    def record(self, target: TargetTable) -> None:
        """Log and store the reason. Waiting for a topic that never existed is not a stop."""
        reason = self.reasons[target.name]
        waits = reason == missing_line(target.contract.topic)
        try:
            waits = not self._store.set_refusal(target.dataset_id, target.contract.topic, reason) and waits
        except IngestError as error:
            self._store.reset()
            LOGGER.warning("could not store the error of %s: %s", target.name, error)
        else:
            self._noted[target.dataset_id] = reason
        if waits:
            self._waiting.add(target.name)
        else:
            self._waiting.discard(target.name)
            LOGGER.error("%s is stopped: %s", target.name, reason)

    def stops(self, name: str) -> bool:
        """Whether the dataset counts as stopped because of its topic."""
        return name in self.reasons and name not in self._waiting
