"""Since when an open transaction holds records back, from ends seen over time and the record's own timestamp."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pytest
from prometheus_client import REGISTRY

from apps.ingest.core.lag import HeldBackHistory
from apps.ingest.core.records import OffsetRange, OffsetRanges, TopicPartition, TopicState, TopicStates
from apps.ingest.metrics import HELD_BACK_RECORDS, HELD_BACK_SECONDS, LAG_RECORDS, LAG_SECONDS
from apps.ingest.services.lag import DatasetLag, LagExporter

T0 = 1_800_000_000.0


def since_s(history: HeldBackHistory, stable: int, high: int, now_s: float, written_s: float | None = None) -> float:
    history.note(now_s, stable=stable, high=high)
    return history.since_s(stable, now_s=now_s, written_s=written_s)


def test_a_transaction_that_opens_while_watched_is_dated_by_the_first_look_and_needs_no_record() -> None:
    history = HeldBackHistory()
    history.note(T0, stable=10, high=10)
    history.note(T0 + 5, stable=10, high=11)
    assert not history.must_look_up(10)
    assert since_s(history, 10, 11, T0 + 5, written_s=0.0) == T0 + 5
    assert since_s(history, 10, 900, T0 + 9_000) == T0 + 5


def test_a_transaction_older_than_the_exporter_is_dated_by_its_first_record() -> None:
    history = HeldBackHistory()
    history.note(T0, stable=10, high=11)
    assert history.must_look_up(10)
    assert since_s(history, 10, 11, T0, written_s=T0 - 3_600) == T0 - 3_600
    assert not history.must_look_up(10)
    assert since_s(history, 10, 50, T0 + 7_200) == T0 - 3_600


@pytest.mark.parametrize("written_s", [None, T0 + 86_400])
def test_without_a_usable_timestamp_it_is_dated_by_the_first_look(written_s: float | None) -> None:
    history = HeldBackHistory()
    assert since_s(history, 10, 11, T0, written_s) == T0
    assert since_s(history, 10, 11, T0 + 60) == T0


def test_each_of_many_short_transactions_has_its_own_time() -> None:
    history = HeldBackHistory()
    history.note(T0, stable=0, high=0)
    ages = []
    for look in range(1, 2_000):
        now_s = T0 + 5 * look
        ages.append(now_s - since_s(history, 100 * (look - 1), 100 * look, now_s))
    assert set(ages) == {0.0}


def test_a_second_transaction_behind_the_first_is_dated_by_when_its_records_arrived() -> None:
    history = HeldBackHistory()
    for number, high in enumerate((10, 20, 30, 40)):
        history.note(T0 + 5 * number, stable=10, high=high)
    assert history.since_s(10, now_s=T0 + 15) == T0 + 5
    assert since_s(history, 25, 40, T0 + 20) == T0 + 10


def test_after_the_end_of_a_transaction_nothing_is_remembered_of_it() -> None:
    history = HeldBackHistory()
    assert since_s(history, 10, 20, T0, written_s=T0 - 500) == T0 - 500
    history.note(T0 + 5, stable=21, high=21)
    assert since_s(history, 21, 22, T0 + 10) == T0 + 10


@dataclass
class Log:
    """A fake of the exporter's Kafka: last stable offset and high watermark of each partition of one topic."""

    stable: list[int]
    high: list[int]
    written: dict[int, float] = field(default_factory=dict)
    looked_up: list[Mapping[TopicPartition, int]] = field(default_factory=list)
    arriving: int = 0

    def states(self, names: Collection[str]) -> TopicStates:
        return TopicStates({name: TopicState("t", tuple(range(len(self.stable)))) for name in names})

    def offsets(self, partitions: Collection[TopicPartition]) -> OffsetRanges:
        found = {place: OffsetRange(0, self.stable[place.partition]) for place in partitions}
        self.arrive()
        return OffsetRanges(found)

    def high_watermarks(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        found = {place: self.high[place.partition] for place in partitions}
        self.arrive()
        return found

    def written_s(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, float]:
        if offsets:
            self.looked_up.append(offsets)
        return {place: self.written[place.partition] for place in offsets if place.partition in self.written}

    def arrive(self) -> None:
        """Append plain records, as producers do between any two requests."""
        self.stable = [end + self.arriving for end in self.stable]
        self.high = [end + self.arriving for end in self.high]


def exporter_of(log: Log, *names: str) -> LagExporter:
    return LagExporter(log, log, lambda: dict.fromkeys(names, "topic"), list, lambda _ends: None)


def measured(exporter: LagExporter, now_s: float) -> list[DatasetLag]:
    return list(exporter.measure(now_s=now_s).measured)


def test_lag_ends_at_the_open_transaction_and_what_follows_is_held_back() -> None:
    exporter = exporter_of(Log([5, 40], [1_006, 40], {0: T0 - 90}), "things")
    (lag,) = measured(exporter, T0)
    assert (lag.records, lag.held_back, lag.held_since_s) == (45, 1_001, T0 - 90)


def test_records_that_arrive_between_two_requests_are_not_held_back() -> None:
    exporter = exporter_of(Log([5], [5], arriving=50), "things")
    assert {(lag.held_back, lag.held_since_s) for now_s in (T0, T0 + 5) for lag in measured(exporter, now_s)} == {
        (0, None)
    }


def test_only_partitions_held_back_by_an_unknown_transaction_are_read_once() -> None:
    log = Log([5] * 3_000, [5] * 2_999 + [6])
    exporter = exporter_of(log, "things", "copies")
    for look in range(3):
        measured(exporter, T0 + 5 * look)
    assert log.looked_up == [{TopicPartition("topic", 2_999): 5}]


def test_gauges_show_what_is_held_back_and_leave_the_lag_as_it_was() -> None:
    log = Log([5], [5])
    exporter = exporter_of(log, "gauged")
    gauges = (LAG_RECORDS, HELD_BACK_RECORDS, HELD_BACK_SECONDS)

    def exported(now_s: float) -> list[float | None]:
        exporter.export(now_s=now_s)
        return [REGISTRY.get_sample_value(metric.name, {"dataset": "gauged"}) for metric in gauges]

    assert exported(T0) == [5, 0, 0]
    seconds = REGISTRY.get_sample_value(LAG_SECONDS.name, {"dataset": "gauged"})
    log.high = [25]
    assert exported(T0 + 5) == [5, 20, 0]
    assert exported(T0 + 65) == [5, 20, 60]
    assert seconds == 0
    log.stable = [26]
    log.high = [26]
    assert exported(T0 + 70) == [26, 0, 0]
