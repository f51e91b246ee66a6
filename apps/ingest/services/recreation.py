"""Detect recreated topics: the client silently continues at the same offset of a topic with the same name."""

from collections.abc import Collection
from typing import Final

from apps.ingest.core.errors import BrokerUnavailable, PipelineStopped
from apps.ingest.core.ports import TopicAdmin
from apps.ingest.core.records import TopicPartition, TopicStates
from apps.ingest.services.stop_reasons import topic_verdict
from apps.ingest.services.stream import Stream
from apps.ingest.services.streams import Streams
from apps.ingest.services.topic_watch import MOST_TOPICS

IDLE_S: Final = 0.25
"""The client takes longer to switch to a recreated topic: it waits half a second after a failed fetch.

So topic states stay valid for this long, and Kafka is queried at most four times a second.
"""

PAUSE_S: Final = 10.0
"""How long to skip checks when Kafka delivers records but no metadata; each refresh checks the topics anyway."""


class RecreationCheck:
    """Checks topic ids before taking records from a partition that was idle."""

    def __init__(self, topics: TopicAdmin, streams: Streams) -> None:
        self._topics = topics
        self._streams = streams
        self._last_record_s: dict[TopicPartition, float] = {}
        self._checked: frozenset[str] = frozenset()
        self._checked_s = float("-inf")
        self._paused_until_s = float("-inf")

    def verdicts(
        self, partitions: Collection[TopicPartition], *, now_s: float
    ) -> list[tuple[Stream, PipelineStopped]]:
        """The streams to stop now, of these or other partitions, and why. Raises BrokerRefused."""
        idle = {
            partition.topic
            for partition in partitions
            if now_s - self._last_record_s.get(partition, float("-inf")) > IDLE_S
        }
        self._last_record_s.update(dict.fromkeys(partitions, now_s))
        if now_s - self._checked_s > IDLE_S:
            self._checked = frozenset()
        idle -= self._checked
        if not idle or now_s < self._paused_until_s:
            return []
        states = self._states(self._with_others(idle), now_s)
        claimed = (stream for stream in self._streams.of_topics(states) if stream.position is not None)
        return [(stream, verdict) for stream in claimed if (verdict := topic_verdict(stream, states))]

    def _with_others(self, idle: Collection[str]) -> frozenset[str]:
        """These topics and, if they are few, all others: their records need no further check for a while."""
        every = {partition.topic for partition in self._streams.assigned}
        return frozenset(every if len(every) <= MOST_TOPICS else idle)

    def _states(self, topics: frozenset[str], now_s: float) -> TopicStates:
        if not self._checked:
            self._checked_s = now_s
        self._checked |= topics
        try:
            return self._topics.states(topics).for_reader()
        except BrokerUnavailable:
            self._paused_until_s = now_s + PAUSE_S
            return TopicStates()
