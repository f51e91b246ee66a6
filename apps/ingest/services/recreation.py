"""A topic that is deleted and made again goes on under its name, at the same offsets, without a word of the client."""

from collections.abc import Collection
from typing import Final

from apps.ingest.core.errors import BrokerUnavailable, PipelineStopped
from apps.ingest.core.ports import TopicAdmin
from apps.ingest.core.records import TopicPartition, TopicStates
from apps.ingest.services.stop_reasons import topic_verdict
from apps.ingest.services.stream import Stream
from apps.ingest.services.streams import Streams

QUIET_S: Final = 0.25
"""The client needs longer to go over to a topic that was made again: it waits half a second after a failed fetch.

So what Kafka says of all topics holds for as long, and they are asked for four times a second at most.
"""

PAUSE_S: Final = 10.0
"""How long nothing is asked of a Kafka that gives records and does not answer: the worker looks at topics anyway."""


class RecreationCheck:
    """Asks for the topics' ids before records are taken that came after a silence of their partition."""

    def __init__(self, topics: TopicAdmin, streams: Streams) -> None:
        self._topics = topics
        self._streams = streams
        self._heard_s: dict[TopicPartition, float] = {}
        self._known: frozenset[TopicPartition] = frozenset()
        self._known_s = float("-inf")
        self._paused_until_s = float("-inf")

    def verdicts(self, places: Collection[TopicPartition], *, now_s: float) -> list[tuple[Stream, PipelineStopped]]:
        """The streams that must take no record now, of these partitions or others, and why. Raises BrokerRefused."""
        quiet = [place for place in places if now_s - self._heard_s.get(place, float("-inf")) > QUIET_S]
        self._heard_s.update(dict.fromkeys(places, now_s))
        if now_s - self._known_s <= QUIET_S:
            quiet = [place for place in quiet if place not in self._known]
        if not quiet or now_s < self._paused_until_s:
            return []
        self._known, self._known_s = self._streams.assigned, now_s
        seen = self._states(now_s)
        claimed = (stream for stream in self._streams if stream.position is not None)
        return [(stream, verdict) for stream in claimed if (verdict := topic_verdict(stream, seen))]

    def _states(self, now_s: float) -> TopicStates:
        try:
            return self._topics.states({place.topic for place in self._known}).for_reader()
        except BrokerUnavailable:
            self._paused_until_s = now_s + PAUSE_S
            return TopicStates()
