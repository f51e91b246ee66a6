"""The exporter of lag: stored positions against the ends of topics, from outside of the workers.

Workers cannot tell their own lag: it would vanish with them. No consumer group is asked either: the database
holds the positions that count.
"""

import logging
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import connections

from apps.ingest import metrics
from apps.ingest.adapters.ends import note_ends
from apps.ingest.core.errors import BrokerRefused, BrokerUnavailable, StoreUnavailable, missing_line
from apps.ingest.core.lag import EndHistory
from apps.ingest.core.ports import Topics
from apps.ingest.core.records import OffsetRange, TopicPartition
from apps.ingest.selectors import ALIAS, StoredPosition, asking
from apps.telemetry import prometheus

LOGGER: Final = logging.getLogger("apps.ingest.lag")
UNKNOWN_TOPIC: Final = "its contract cannot be read, and no position says which topic it had"


@dataclass(frozen=True, slots=True)
class Lag:
    """One dataset's lag: records of all its partitions, seconds of the worst, seconds since the last batch."""

    dataset: str
    records: int
    seconds: float
    freshness_s: float | None


@dataclass(frozen=True, slots=True)
class Lags:
    """The lags of one measurement; `unmeasured` says by dataset why nothing, or not all, is known of it.

    `missing` are datasets whose topic is not there, so that nothing can wait in it.
    """

    measured: Sequence[Lag]
    unmeasured: Mapping[str, str]
    missing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One partition as read for one dataset: where it is stored up to, or would begin; None as ever read."""

    dataset: str
    place: TopicPartition
    topic_id: str
    position: StoredPosition | None = None

    def is_beyond(self, held: OffsetRange) -> bool:
        """Whether the position stands behind the partition's end: its log was cut, and nobody knows what is unread."""
        return self.position is not None and self.position.next_offset > held.end


@dataclass(slots=True)
class _Look:
    """What one look at Kafka and at the positions brought."""

    ranges: dict[_Reading, OffsetRange] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class LagExporter:
    """Measures and shows the lag of every dataset, one call a round.

    Each partition that a topic has counts, whether a position is stored of it or not: what nobody reads is behind.
    """

    def __init__(
        self,
        topics: Topics,
        datasets: Callable[[], Mapping[str, str | None]],
        positions: Callable[[], Sequence[StoredPosition]],
        remember: Callable[[Sequence[tuple[int, int]]], None],
    ) -> None:
        self._topics = topics
        self._datasets = datasets
        self._positions = positions
        self._remember = remember
        self._histories: defaultdict[tuple[TopicPartition, str], EndHistory] = defaultdict(EndHistory)
        self._shown: set[str] = set()
        self._trouble = ""
        self._said: Mapping[str, str] = {}

    def measure(self, *, now_s: float) -> Lags:
        """The lag of each dataset whose topic can be asked; `now_s` is seconds since 1970.

        Raises BrokerUnavailable, BrokerRefused, StoreUnavailable.
        """
        look = self._look()
        return Lags(self._reckon(look.ranges, now_s=now_s), look.unmeasured, look.missing)

    def _look(self) -> _Look:
        look = _Look()
        positions, known = self._positions(), self._datasets()
        # Of a dataset whose contract cannot be read, the positions tell the topic.
        topics = {position.dataset: position.topic for position in positions}
        topics |= {name: topic for name, topic in known.items() if topic is not None}
        look.unmeasured = dict.fromkeys(known.keys() - topics.keys(), UNKNOWN_TOPIC)
        states = self._topics.states(set(topics.values()))
        stored = {(position.dataset, position.place, position.topic_id): position for position in positions}
        readings = []
        for dataset, topic in topics.items():
            state = states.found.get(topic)
            if topic in states.refused:
                look.unmeasured[dataset] = states.refused[topic]
            elif state is None:
                look.missing[dataset] = missing_line(topic)
            else:
                for partition in state.partitions:
                    place = TopicPartition(topic, partition)
                    position = stored.get((dataset, place, state.topic_id))
                    if partition in state.leaderless:
                        look.unmeasured[dataset] = f"{place} has no leader"
                    else:
                        readings.append(_Reading(dataset, place, state.topic_id, position))
        self._find_ranges(look, readings)
        return look

    def _find_ranges(self, look: _Look, readings: Sequence[_Reading]) -> None:
        ranges = self._topics.offsets({reading.place for reading in readings})
        for reading in readings:
            if reading.place in ranges.found:
                held = look.ranges[reading] = ranges.found[reading.place]
                if reading.is_beyond(held):
                    look.unmeasured[reading.dataset] = (
                        f"{reading.place} ends at offset {held.end}, before its position {_next_offset(reading, held)}"
                    )
            else:
                look.unmeasured[reading.dataset] = ranges.errors.get(reading.place, f"{reading.place} is not told")

    def _reckon(self, ranges: Mapping[_Reading, OffsetRange], *, now_s: float) -> list[Lag]:
        by_dataset: dict[str, list[_Reading]] = defaultdict(list)
        for reading, held in ranges.items():
            if reading.is_beyond(held):
                continue
            by_dataset[reading.dataset].append(reading)
            self._histories[reading.place, reading.topic_id].note(now_s, held.end)
        return [
            Lag(
                name,
                sum(max(0, ranges[item].end - _next_offset(item, ranges[item])) for item in items),
                max(self._behind(item, ranges[item], now_s) for item in items),
                _freshness([item.position for item in items if item.position is not None], now_s),
            )
            for name, items in sorted(by_dataset.items())
        ]

    def _behind(self, reading: _Reading, held: OffsetRange, now_s: float) -> float:
        history = self._histories[reading.place, reading.topic_id]
        last = reading.position.max_at if reading.position is not None else None
        last_s = last.timestamp() if last else None
        return history.seconds_behind(_next_offset(reading, held), now_s=now_s, last_stored_s=last_s)

    def show(self, *, now_s: float) -> None:
        """Measure, store the ends, set the gauges; trouble is logged once, and shown by a gauge of its own."""
        try:
            look = self._look()
            lags = self._reckon(look.ranges, now_s=now_s)
            self._remember(
                [(item.position.source_id, held.end) for item, held in look.ranges.items() if item.position]
            )
        except (BrokerUnavailable, BrokerRefused, StoreUnavailable) as error:
            prometheus.gauge(metrics.LAG_UP).set(0)
            if not self._trouble:
                LOGGER.warning("%s; trying on", error)
            self._trouble = str(error)
            return
        if self._trouble:
            LOGGER.info("measuring again")
        self._trouble = ""
        self._say({**look.unmeasured, **look.missing})
        prometheus.gauge(metrics.LAG_UP).set(1)
        prometheus.gauge(metrics.LAG_MEASURED).set(now_s)
        self._show(lags)

    def _say(self, unmeasured: Mapping[str, str]) -> None:
        """Log once what cannot be measured although the rest can."""
        for dataset, why in unmeasured.items():
            if self._said.get(dataset) != why:
                LOGGER.warning("the lag of %s is not measured: %s", dataset, why)
        self._said = unmeasured

    def _show(self, lags: Sequence[Lag]) -> None:
        for name in self._shown - {lag.dataset for lag in lags}:
            _forget(name)
        self._shown = {lag.dataset for lag in lags}
        for lag in lags:
            prometheus.gauge(metrics.LAG_RECORDS).labels(lag.dataset).set(lag.records)
            prometheus.gauge(metrics.LAG_SECONDS).labels(lag.dataset).set(lag.seconds)
            if lag.freshness_s is not None:
                prometheus.gauge(metrics.FRESHNESS).labels(lag.dataset).set(lag.freshness_s)


def _next_offset(reading: _Reading, held: OffsetRange) -> int:
    """The first offset that is not stored: without a position the first that there is."""
    return held.first if reading.position is None else reading.position.next_offset


def _freshness(positions: Sequence[StoredPosition], now_s: float) -> float | None:
    moments = [item.updated_at.timestamp() for item in positions if item.max_at is not None]
    return max(0.0, now_s - max(moments)) if moments else None


def _forget(dataset: str) -> None:
    """Say nothing more about a dataset that is gone: NaN, since shared files cannot drop a series."""
    for metric in (metrics.LAG_RECORDS, metrics.LAG_SECONDS, metrics.FRESHNESS):
        prometheus.gauge(metric).labels(dataset).set(math.nan)


def ends_store(ends: Sequence[tuple[int, int]]) -> None:
    """Store where the partition of each source ends, (source id, end). Raises StoreUnavailable."""
    if ends:
        with asking(), connections[ALIAS].cursor() as cursor:
            note_ends(cursor, ends)
