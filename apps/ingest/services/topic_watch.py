"""Watch the states of many topics with a bounded number of questions to Kafka."""

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from apps.ingest.core.ports import TopicAdmin
from apps.ingest.core.records import TopicState, TopicStates

MOST_TOPICS: Final = 100
"""Topics that one refresh describes beyond new ones: each costs about 0.1 ms, whether its state changed or not."""


@dataclass(frozen=True, slots=True)
class WatchedTopics:
    """`fresh`: the states read now; `all`: those of every wanted topic. Unreadable and missing ones are refused."""

    fresh: TopicStates = field(default_factory=TopicStates)
    all: TopicStates = field(default_factory=TopicStates)
    missing: frozenset[str] = frozenset()


class TopicWatch:
    """Describes new topics and those that cannot be read at every refresh, the others in turn.

    The consumer reports refused topics and new partitions itself, and a recreated topic is detected before a record of
    it is taken, so a turn may take some refreshes.
    """

    def __init__(self, topics: TopicAdmin) -> None:
        self._topics = topics
        self._found: dict[str, TopicState] = {}
        self._refused: dict[str, str] = {}
        self._missing: set[str] = set()
        self._turn: dict[str, None] = {}

    def refresh(self, wanted: Collection[str]) -> WatchedTopics:
        """The states of these topics. Raises BrokerUnavailable, BrokerRefused: nothing changed."""
        due = self._due(wanted)
        found = self._topics.states(due)
        missing = found.missing(due)
        fresh = found.for_reader(missing)
        for topic in due:
            # Reinserted at the end.
            self._turn.pop(topic, None)
            self._turn[topic] = None
        self._missing = {topic for topic in self._missing - due if topic in wanted} | missing
        self._found = {topic: state for topic, state in self._found.items() if topic in wanted and topic not in due}
        self._refused = {topic: why for topic, why in self._refused.items() if topic in wanted and topic not in due}
        self._found |= fresh.found
        self._refused |= fresh.refused
        return WatchedTopics(fresh, TopicStates(self._found, self._refused), frozenset(self._missing))

    def _due(self, wanted: Collection[str]) -> set[str]:
        """The topics to describe now."""
        due = {topic for topic in wanted if topic not in self._found and topic not in self._refused}
        refused = [topic for topic in self._refused if topic in wanted]
        due.update(refused)
        room = MOST_TOPICS - len(refused)
        self._turn = {topic: None for topic in self._turn if topic in wanted}
        due.update(islice((topic for topic in self._turn if topic not in due), max(0, room)))
        return due
