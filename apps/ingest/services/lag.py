"""The lag exporter: compares stored positions with the ends of topics, outside the workers.

Workers cannot export their own lag, because it would vanish with them. The consumer group is not queried either:
the positions that count are in the database.
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
from apps.ingest.core.lag import EndHistory, HeldBackHistory
from apps.ingest.core.ports import PartitionEnds, TopicAdmin
from apps.ingest.core.records import OffsetRange, TopicPartition
from apps.ingest.selectors import ALIAS, StoredPosition, querying
from apps.telemetry import prometheus

LOGGER: Final = logging.getLogger("apps.ingest.lag")
UNKNOWN_TOPIC: Final = "its contract cannot be read, and no position names its topic"


@dataclass(frozen=True, slots=True)
class DatasetLag:
    """A dataset's lag: records of all partitions, seconds of the slowest one, seconds since the last batch.

    It ends where an open transaction begins. The records behind that offset are held back until the transaction ends;
    `held_since_s` is since when, seconds since 1970, None if none are.
    """

    dataset: str
    records: int
    seconds: float
    freshness_s: float | None
    held_back: int = 0
    held_since_s: float | None = None


@dataclass(frozen=True, slots=True)
class LagMeasurement:
    """The lag of every dataset. `unmeasured` gives, by dataset, why some or all of its lag is unknown.

    `missing` has datasets whose topic does not exist, so that they have no lag.
    """

    measured: Sequence[DatasetLag]
    unmeasured: Mapping[str, str]
    missing: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _PartitionReading:
    """One partition as read for one dataset, with its stored position, None if it was never read."""

    dataset: str
    topic_partition: TopicPartition
    topic_id: str
    position: StoredPosition | None = None

    @property
    def partition_key(self) -> tuple[TopicPartition, str]:
        """The partition and its topic's id."""
        return self.topic_partition, self.topic_id

    def is_beyond(self, held: OffsetRange) -> bool:
        """Whether the position is past the partition's end: the log was cut, so the lag is unknown."""
        return self.position is not None and self.position.next_offset > held.end


@dataclass(slots=True)
class _LagSnapshot:
    """End offsets from Kafka next to the stored positions."""

    ranges: dict[_PartitionReading, OffsetRange] = field(default_factory=dict)
    highs: Mapping[TopicPartition, int] = field(default_factory=dict)
    unmeasured: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def held_back(self, reading: _PartitionReading) -> int:
        """The partition's records from its oldest open transaction on, which cannot be read yet."""
        stable = self.ranges[reading].end
        return max(0, self.highs.get(reading.topic_partition, stable) - stable)


class LagExporter:
    """Measures and exports the lag of every dataset.

    Every partition of a topic counts, even without a stored position: unread records are lag.
    """

    def __init__(
        self,
        topics: TopicAdmin,
        ends: PartitionEnds,
        datasets: Callable[[], Mapping[str, str | None]],
        positions: Callable[[], Sequence[StoredPosition]],
        store_ends: Callable[[Sequence[tuple[int, int]]], None],
    ) -> None:
        self._topics = topics
        self._ends = ends
        self._datasets = datasets
        self._positions = positions
        self._store_ends = store_ends
        self._histories: defaultdict[tuple[TopicPartition, str], EndHistory] = defaultdict(EndHistory)
        self._held: defaultdict[tuple[TopicPartition, str], HeldBackHistory] = defaultdict(HeldBackHistory)
        self._exported: set[str] = set()
        self._last_error = ""
        self._last_reasons: Mapping[str, str] = {}

    def measure(self, *, now_s: float) -> LagMeasurement:
        """The lag of every dataset; `now_s` is seconds since 1970.

        Raises BrokerUnavailable, BrokerRefused, RetriableStoreError.
        """
        snapshot = self._snapshot()
        return LagMeasurement(self._compute(snapshot, now_s=now_s), snapshot.unmeasured, snapshot.missing)

    def _snapshot(self) -> _LagSnapshot:
        snapshot = _LagSnapshot()
        positions, known = self._positions(), self._datasets()
        # If a contract cannot be read, the dataset's positions name its topic.
        topics = {position.dataset: position.topic for position in positions}
        topics |= {name: topic for name, topic in known.items() if topic is not None}
        snapshot.unmeasured = dict.fromkeys(known.keys() - topics.keys(), UNKNOWN_TOPIC)
        states = self._topics.states(set(topics.values()))
        stored = {(position.dataset, position.topic_partition, position.topic_id): position for position in positions}
        readings = []
        for dataset, topic in topics.items():
            state = states.found.get(topic)
            if topic in states.refused:
                snapshot.unmeasured[dataset] = states.refused[topic]
            elif state is None:
                snapshot.missing[dataset] = missing_line(topic)
            else:
                for partition in state.partitions:
                    topic_partition = TopicPartition(topic, partition)
                    position = stored.get((dataset, topic_partition, state.topic_id))
                    if partition in state.leaderless:
                        snapshot.unmeasured[dataset] = f"{topic_partition} has no leader"
                    else:
                        readings.append(_PartitionReading(dataset, topic_partition, state.topic_id, position))
        self._find_ranges(snapshot, readings)
        return snapshot

    def _find_ranges(self, snapshot: _LagSnapshot, readings: Sequence[_PartitionReading]) -> None:
        partitions = {reading.topic_partition for reading in readings}
        # Asked for first: otherwise records that arrive between the two requests would seem held back.
        snapshot.highs = self._ends.high_watermarks(partitions)
        ranges = self._topics.offsets(partitions)
        for reading in readings:
            if reading.topic_partition in ranges.found:
                held = snapshot.ranges[reading] = ranges.found[reading.topic_partition]
                if reading.is_beyond(held):
                    snapshot.unmeasured[reading.dataset] = (
                        f"{reading.topic_partition} ends at offset {held.end}, "
                        f"before its position {_next_offset(reading, held)}"
                    )
            else:
                snapshot.unmeasured[reading.dataset] = ranges.errors.get(
                    reading.topic_partition, f"Kafka returned no offsets of {reading.topic_partition}"
                )

    def _compute(self, snapshot: _LagSnapshot, *, now_s: float) -> list[DatasetLag]:
        ranges, held_since = snapshot.ranges, self._find_held(snapshot, now_s=now_s)
        by_dataset: dict[str, list[_PartitionReading]] = defaultdict(list)
        for reading, held in ranges.items():
            if reading.is_beyond(held):
                continue
            by_dataset[reading.dataset].append(reading)
            self._histories[reading.partition_key].note(now_s, held.end)
        return [
            DatasetLag(
                name,
                sum(max(0, ranges[item].end - _next_offset(item, ranges[item])) for item in items),
                max(self._behind(item, ranges[item], now_s) for item in items),
                _freshness([item.position for item in items if item.position is not None], now_s),
                sum(snapshot.held_back(item) for item in items),
                min((held_since[item] for item in items if item in held_since), default=None),
            )
            for name, items in sorted(by_dataset.items())
        ]

    def _find_held(self, snapshot: _LagSnapshot, *, now_s: float) -> dict[_PartitionReading, float]:
        """Since when each partition with an open transaction is held back, seconds since 1970."""
        held: dict[_PartitionReading, int] = {}
        for reading, range_ in snapshot.ranges.items():
            back = snapshot.held_back(reading)
            self._held[reading.partition_key].note(now_s, stable=range_.end, high=range_.end + back)
            if back:
                held[reading] = range_.end
        written = self._ends.written_s(
            {
                reading.topic_partition: stable
                for reading, stable in held.items()
                if self._held[reading.partition_key].must_look_up(stable)
            }
        )
        return {
            reading: self._held[reading.partition_key].since_s(
                stable, now_s=now_s, written_s=written.get(reading.topic_partition)
            )
            for reading, stable in held.items()
        }

    def _behind(self, reading: _PartitionReading, held: OffsetRange, now_s: float) -> float:
        history = self._histories[reading.partition_key]
        last = reading.position.max_at if reading.position is not None else None
        last_s = last.timestamp() if last else None
        return history.seconds_behind(_next_offset(reading, held), now_s=now_s, last_stored_s=last_s)

    def export(self, *, now_s: float) -> None:
        """Measure, store the end offsets, set the gauges. Errors are logged once and have a separate gauge."""
        try:
            snapshot = self._snapshot()
            lags = self._compute(snapshot, now_s=now_s)
            self._store_ends(
                [(item.position.source_id, held.end) for item, held in snapshot.ranges.items() if item.position]
            )
        except (BrokerUnavailable, BrokerRefused, RetriableStoreError) as error:
            prometheus.gauge(metrics.LAG_UP).set(0)
            if not self._last_error:
                LOGGER.warning("%s; retrying", error)
            self._last_error = str(error)
            return
        if self._last_error:
            LOGGER.info("lag measurement resumed")
        self._last_error = ""
        self._log_unmeasured({**snapshot.unmeasured, **snapshot.missing})
        prometheus.gauge(metrics.LAG_UP).set(1)
        prometheus.gauge(metrics.LAG_LAST_SUCCESS).set(now_s)
        self._set_gauges(lags, now_s=now_s)

    def _log_unmeasured(self, unmeasured: Mapping[str, str]) -> None:
        """Log once per reason which datasets cannot be measured."""
        for dataset, why in unmeasured.items():
            if self._last_reasons.get(dataset) != why:
                LOGGER.warning("cannot measure the lag of %s: %s", dataset, why)
        self._last_reasons = unmeasured

    def _set_gauges(self, lags: Sequence[DatasetLag], *, now_s: float) -> None:
        for name in self._exported - {lag.dataset for lag in lags}:
            _forget(name)
        self._exported = {lag.dataset for lag in lags}
        for lag in lags:
            prometheus.gauge(metrics.LAG_RECORDS).labels(lag.dataset).set(lag.records)
            prometheus.gauge(metrics.LAG_SECONDS).labels(lag.dataset).set(lag.seconds)
            held_s = 0.0 if lag.held_since_s is None else max(0.0, now_s - lag.held_since_s)
            prometheus.gauge(metrics.HELD_BACK_RECORDS).labels(lag.dataset).set(lag.held_back)
            prometheus.gauge(metrics.HELD_BACK_SECONDS).labels(lag.dataset).set(held_s)
            if lag.freshness_s is not None:
                prometheus.gauge(metrics.FRESHNESS).labels(lag.dataset).set(lag.freshness_s)


def _next_offset(reading: _PartitionReading, held: OffsetRange) -> int:
    """The first offset that is not stored; without a position, the partition's first offset."""
    return held.first if reading.position is None else reading.position.next_offset


def _freshness(positions: Sequence[StoredPosition], now_s: float) -> float | None:
    moments = [item.updated_at.timestamp() for item in positions if item.max_at is not None]
    return max(0.0, now_s - max(moments)) if moments else None


def _forget(dataset: str) -> None:
    """Set a dropped dataset's gauges to NaN, since shared files cannot drop a time series."""
    for metric in (
        metrics.LAG_RECORDS,
        metrics.LAG_SECONDS,
        metrics.HELD_BACK_RECORDS,
        metrics.HELD_BACK_SECONDS,
        metrics.FRESHNESS,
    ):
        prometheus.gauge(metric).labels(dataset).set(math.nan)


def ends_store(ends: Sequence[tuple[int, int]]) -> None:
    """Store the end offset of each source's partition, given as (source id, end). Raises RetriableStoreError."""
    if ends:
        with querying(), connections[ALIAS].cursor() as cursor:
            store_end_offsets(cursor, ends)
