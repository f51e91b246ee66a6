"""The exporter of lag: stored positions against the ends of topics, from outside of the workers.

Workers cannot tell their own lag: it would vanish with them. No consumer group is asked either: the database
holds the positions that count.
"""

import logging
import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connections

from apps.datasets.adapters import prometheus
from apps.ingest import metrics
from apps.ingest.adapters.ends import note_ends
from apps.ingest.core.errors import BrokerRefused, BrokerUnavailable, StoreUnavailable
from apps.ingest.core.lag import EndHistory
from apps.ingest.core.ports import Topics
from apps.ingest.core.records import TopicPartition, TopicState
from apps.ingest.selectors import ALIAS, StoredPosition, asking

LOGGER: Final = logging.getLogger("apps.ingest.lag")


@dataclass(frozen=True, slots=True)
class Lag:
    """One dataset's lag: records of all its partitions, seconds of the worst, seconds since the last batch."""

    dataset: str
    records: int
    seconds: float
    freshness_s: float | None


class LagExporter:
    """Measures and shows the lag of every dataset, one call a round."""

    def __init__(
        self,
        topics: Topics,
        positions: Callable[[], Sequence[StoredPosition]],
        remember: Callable[[Sequence[tuple[int, int]]], None],
    ) -> None:
        self._topics = topics
        self._positions = positions
        self._remember = remember
        self._histories: defaultdict[tuple[TopicPartition, str], EndHistory] = defaultdict(EndHistory)
        self._shown: set[str] = set()
        self._trouble = ""

    def measure(self, *, now_s: float) -> list[Lag]:
        """The lag of each dataset whose topic exists now; `now_s` is seconds since 1970.

        Raises BrokerUnavailable, BrokerRefused, StoreUnavailable.
        """
        return self._reckon(self._ends(), now_s=now_s)

    def _ends(self) -> dict[StoredPosition, int]:
        """Where the partition of each position ends whose topic exists now."""
        stored = self._positions()
        states = self._topics.states({position.topic for position in stored})
        living = [position for position in stored if _lives(position, states)]
        ranges = self._topics.offsets({position.place for position in living})
        return {position: ranges[position.place][1] for position in living}

    def _reckon(self, ends: dict[StoredPosition, int], *, now_s: float) -> list[Lag]:
        by_dataset: dict[str, list[StoredPosition]] = defaultdict(list)
        for position, end in ends.items():
            by_dataset[position.dataset].append(position)
            self._histories[position.place, position.topic_id].note(now_s, end)
        return [
            Lag(
                name,
                sum(max(0, ends[item] - item.next_offset) for item in items),
                max(self._behind(item, now_s) for item in items),
                _freshness(items, now_s),
            )
            for name, items in sorted(by_dataset.items())
        ]

    def _behind(self, position: StoredPosition, now_s: float) -> float:
        history = self._histories[position.place, position.topic_id]
        last_s = position.max_at.timestamp() if position.max_at else None
        return history.seconds_behind(position.next_offset, now_s=now_s, last_stored_s=last_s)

    def show(self, *, now_s: float) -> None:
        """Measure, store the ends, set the gauges; trouble is logged once, and shown by a gauge of its own."""
        try:
            ends = self._ends()
            lags = self._reckon(ends, now_s=now_s)
            self._remember([(position.source_id, end) for position, end in ends.items()])
        except (BrokerUnavailable, BrokerRefused, StoreUnavailable) as error:
            prometheus.gauge(metrics.LAG_UP).set(0)
            if not self._trouble:
                LOGGER.warning("%s; trying on", error)
            self._trouble = str(error)
            return
        if self._trouble:
            LOGGER.info("measuring again")
        self._trouble = ""
        prometheus.gauge(metrics.LAG_UP).set(1)
        for name in self._shown - {lag.dataset for lag in lags}:
            _forget(name)
        self._shown = {lag.dataset for lag in lags}
        for lag in lags:
            prometheus.gauge(metrics.LAG_RECORDS).labels(lag.dataset).set(lag.records)
            prometheus.gauge(metrics.LAG_SECONDS).labels(lag.dataset).set(lag.seconds)
            if lag.freshness_s is not None:
                prometheus.gauge(metrics.FRESHNESS).labels(lag.dataset).set(lag.freshness_s)


def _lives(position: StoredPosition, states: dict[str, TopicState]) -> bool:
    state = states.get(position.topic)
    return state is not None and state.topic_id == position.topic_id and position.partition in state.partitions


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
