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
from apps.ingest.adapters.end_offsets import store_end_offsets
from apps.ingest.core.errors import BrokerRefused, BrokerUnavailable, RetriableStoreError, missing_line
from apps.ingest.core.lag import EndHistory
from apps.ingest.core.ports import TopicAdmin
from apps.ingest.core.records import OffsetRange, TopicPartition
from apps.ingest.selectors import ALIAS, StoredPosition, asking
from apps.telemetry import prometheus

LOGGER: Final = logging.getLogger("apps.ingest.lag")
UNKNOWN_TOPIC: Final = "its contract cannot be read, and no position says which topic it had"


@dataclass(frozen=True, slots=True)
class DatasetLag:
    """One dataset's lag: records of all its partitions, seconds of the worst, seconds since the last batch."""

    dataset: str
    records: int
    seconds: float
    freshness_s: float | None


@dataclass(frozen=True, slots=True)
class LagMeasurement:
    """The lags of one measurement; `unmeasured` says by dataset why nothing, or not all, is known of it.

    `missing` are datasets whose topic is not there, so that nothing can wait in it.
    """

    measured: Sequence[DatasetLag]
    unmeasured: Mapping[str, str]
    missing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _PartitionReading:
    """One partition as read for one dataset: where it is stored up to, or would begin; None as ever read."""

    dataset: str
    topic_partition: TopicPartition
    topic_id: str
    position: StoredPosition | None = None

    def is_beyond(self, held: OffsetRange) -> bool:
        """Whether the position stands behind the partition's end: its log was cut, and nobody knows what is unread."""
        return self.position is not None and self.position.next_offset > held.end


@dataclass(slots=True)
class _LagSnapshot:
    """What one look at Kafka and at the positions brought."""

    ranges: dict[_PartitionReading, OffsetRange] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class LagExporter:
    """Measures and shows the lag of every dataset, one call a round.

    Each partition that a topic has counts, whether a position is stored of it or not: what nobody reads is behind.
    """

    def __init__(
        self,
        topics: TopicAdmin,
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

    def measure(self, *, now_s: float) -> LagMeasurement:
        """The lag of each dataset whose topic can be asked; `now_s` is seconds since 1970.

        Raises BrokerUnavailable, BrokerRefused, RetriableStoreError.
        """
        look = self._snapshot()
        return LagMeasurement(self._compute(look.ranges, now_s=now_s), look.unmeasured, look.missing)

    def _snapshot(self) -> _LagSnapshot:
        look = _LagSnapshot()
        positions, known = self._positions(), self._datasets()
        # Of a dataset whose contract cannot be read, the positions tell the topic.
        topics = {position.dataset: position.topic for position in positions}
        topics |= {name: topic for name, topic in known.items() if topic is not None}
        look.unmeasured = dict.fromkeys(known.keys() - topics.keys(), UNKNOWN_TOPIC)
        states = self._topics.states(set(topics.values()))
        stored = {(position.dataset, position.topic_partition, position.topic_id): position for position in positions}
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
                        readings.append(_PartitionReading(dataset, place, state.topic_id, position))
        self._find_ranges(look, readings)
        return look

    def _find_ranges(self, look: _LagSnapshot, readings: Sequence[_PartitionReading]) -> None:
        ranges = self._topics.offsets({reading.topic_partition for reading in readings})
        for reading in readings:
            if reading.topic_partition in ranges.found:
                held = look.ranges[reading] = ranges.found[reading.topic_partition]
                if reading.is_beyond(held):
                    look.unmeasured[reading.dataset] = (
                        f"{reading.topic_partition} ends at offset {held.end}, "
                        f"before its position {_next_offset(reading, held)}"
                    )
            else:
                look.unmeasured[reading.dataset] = ranges.errors.get(
                    reading.topic_partition, f"{reading.topic_partition} is not told"
                )

    def _compute(self, ranges: Mapping[_PartitionReading, OffsetRange], *, now_s: float) -> list[DatasetLag]:
        by_dataset: dict[str, list[_PartitionReading]] = defaultdict(list)
        for reading, held in ranges.items():
            if reading.is_beyond(held):
                continue
            by_dataset[reading.dataset].append(reading)
            self._histories[reading.topic_partition, reading.topic_id].note(now_s, held.end)
        return [
            DatasetLag(
                name,
                sum(max(0, ranges[item].end - _next_offset(item, ranges[item])) for item in items),
                max(self._behind(item, ranges[item], now_s) for item in items),
                _freshness([item.position for item in items if item.position is not None], now_s),
            )
            for name, items in sorted(by_dataset.items())
        ]

    def _behind(self, reading: _PartitionReading, held: OffsetRange, now_s: float) -> float:
        history = self._histories[reading.topic_partition, reading.topic_id]
        last = reading.position.max_at if reading.position is not None else None
        last_s = last.timestamp() if last else None
        return history.seconds_behind(_next_offset(reading, held), now_s=now_s, last_stored_s=last_s)

    def export(self, *, now_s: float) -> None:
        """Measure, store the ends, set the gauges; trouble is logged once, and shown by a gauge of its own."""
        try:
            look = self._snapshot()
            lags = self._compute(look.ranges, now_s=now_s)
            self._remember(
                [(item.position.source_id, held.end) for item, held in look.ranges.items() if item.position]
            )
        except (BrokerUnavailable, BrokerRefused, RetriableStoreError) as error:
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
        prometheus.gauge(metrics.LAG_LAST_SUCCESS).set(now_s)
        self._show(lags)

    def _say(self, unmeasured: Mapping[str, str]) -> None:
        """Log once what cannot be measured although the rest can."""
        for dataset, why in unmeasured.items():
            if self._said.get(dataset) != why:
                LOGGER.warning("the lag of %s is not measured: %s", dataset, why)
        self._said = unmeasured

    def _show(self, lags: Sequence[DatasetLag]) -> None:
        for name in self._shown - {lag.dataset for lag in lags}:
            _forget(name)
        self._shown = {lag.dataset for lag in lags}
        for lag in lags:
            prometheus.gauge(metrics.LAG_RECORDS).labels(lag.dataset).set(lag.records)
            prometheus.gauge(metrics.LAG_SECONDS).labels(lag.dataset).set(lag.seconds)
            if lag.freshness_s is not None:
                prometheus.gauge(metrics.FRESHNESS).labels(lag.dataset).set(lag.freshness_s)


def _next_offset(reading: _PartitionReading, held: OffsetRange) -> int:
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
    """Store where the partition of each source ends, (source id, end). Raises RetriableStoreError."""
    if ends:
        with asking(), connections[ALIAS].cursor() as cursor:
            store_end_offsets(cursor, ends)
