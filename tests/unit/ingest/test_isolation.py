"""Unexpected errors: the record at fault is quarantined, or its dataset stops; the worker survives."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from apps.ingest.core.decoding import Decoder
from apps.ingest.core.errors import RecordRefused, RetriableStoreError
from apps.ingest.core.ports import DatasetBatch
from apps.ingest.core.records import ConsumerRecord, OffsetAndEpoch, PollResult, Row, SourceBatch, TopicPartition
from apps.ingest.services.defects import DefectLog
from apps.ingest.services.run_limits import RunLimits
from apps.ingest.services.unreadable_run import MAX_CONSECUTIVE
from apps.telemetry import prometheus
from tests.fakes.memory_kafka import MemoryConsumer, MemoryRecord
from tests.fakes.memory_store import MemoryStore
from tests.unit.ingest.world import World, entities, events, things

P0 = TopicPartition("events", 0)
T = TypeVar("T")
ERRORS = (SystemError, MemoryError, RecursionError, OverflowError, AttributeError, AssertionError, ZeroDivisionError)


@dataclass(frozen=True, slots=True)
class Faulty(MemoryRecord):
    """A record with an accessor that raises."""

    accessor: str = "value"
    error: type[Exception] = SystemError

    def _read(self, name: str, value: T) -> T:
        if self.accessor == name:
            raise self.error("no")
        return value

    def key(self) -> bytes | None:
        return self._read("key", self.raw_key)

    def value(self) -> bytes | None:
        return self._read("value", self.raw_value)

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return self._read("headers", list(self.raw_headers))

    def timestamp(self) -> tuple[int, int]:
        return self._read("timestamp", (1, self.stamp_ms))


def send_faulty(world: World, value: bytes, **how: Any) -> None:
    log = world.kafka.topics["events"].logs[0]
    log.records.append(Faulty(P0, log.end, b"k", value, 5, (("h", b"v"),), **how))
    log.end += 1


def rows_fail(world: World, error: type[Exception], *ids: int) -> None:
    def refuses(row: Row) -> RecordRefused | None:
        if not ids or row[0] in ids:
            raise error("a value of 5 that must not leak")
        return None

    world.tables.refuses = refuses


@pytest.mark.parametrize("error", ERRORS)
def test_a_row_on_which_the_worker_fails_is_quarantined_and_all_others_are_stored(error: type[Exception]) -> None:
    world = World([events(), entities()])
    world.send("events", *things(50))
    world.send("entities", *things(5, 100))
    rows_fail(world, error, 7, 31)
    moved = world.run(chunk_records=20)
    assert world.ids(1) == [number for number in range(50) if number not in {7, 31}]
    assert world.ids(2) == list(range(100, 105))
    assert world.reasons() == ["unreadable", "unreadable"]
    assert [offset for _, offset, _ in world.tables.rejects] == [7, 31]
    assert all(error.__name__ in reject.message for _, _, reject in world.tables.rejects)
    assert not any("must not leak" in reject.message for _, _, reject in world.tables.rejects)
    assert moved.stopped == {}
    assert sum(entry.rows + entry.rejects for entry in world.tables.ledger) == 55


@pytest.mark.parametrize("row", [False, True], ids=["decoder", "row"])
@pytest.mark.parametrize("first", ["entities", "events"])
def test_a_fault_discards_no_prefetched_records_of_another_dataset(
    monkeypatch: pytest.MonkeyPatch, first: str, row: bool
) -> None:
    world = World([events(), entities()])
    for topic in (first, *{"entities", "events"} - {first}):
        if topic == "entities":
            world.send(topic, *things(5, 100))
        else:
            world.send(topic, *things(50))
            if not row:
                send_faulty(world, b'{"id":50}')
    if row:
        rows_fail(world, MemoryError, 49)
    sought: Counter[TopicPartition] = Counter()
    came_first: list[str] = []
    seek, poll = MemoryConsumer.seek, MemoryConsumer.poll

    def seen(consumer: MemoryConsumer, offsets: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        sought.update(offsets.keys())
        seek(consumer, offsets)

    def polled(consumer: MemoryConsumer, most: int, wait_s: float) -> PollResult:
        arrivals = poll(consumer, most, wait_s)
        records = {
            place: arrivals.records[place] for place in sorted(arrivals.records, key=lambda at: at.topic != first)
        }
        came_first.extend(place.topic for place in list(records)[:1] if len(records) > 1)
        return replace(arrivals, records=records)

    monkeypatch.setattr(MemoryConsumer, "seek", seen)
    monkeypatch.setattr(MemoryConsumer, "poll", polled)
    world.run()
    assert came_first == [first]
    assert world.reasons() == ["unreadable"]
    assert world.ids(2) == list(range(100, 105))
    assert (sought[P0] > 1) == row
    assert sought[TopicPartition("entities", 0)] == 1


def test_records_around_one_that_cannot_be_decoded_stay_in_one_batch() -> None:
    world = World([events()])
    world.send("events", *things(25))
    send_faulty(world, b'{"id": -1}')
    world.send("events", *things(25, 25))
    world.run(chunk_records=20)
    assert world.ids() == list(range(50))
    assert [(entry.first_offset, entry.last_offset, entry.rows, entry.rejects) for entry in world.tables.ledger] == [
        (0, 50, 50, 1)
    ]


@pytest.mark.parametrize("accessor", ["value", "timestamp"])
def test_a_record_on_which_the_client_fails_is_quarantined_with_what_is_readable(accessor: str) -> None:
    world = World([events()])
    world.send("events", *things(3))
    send_faulty(world, b'{"id": 3}', accessor=accessor)
    world.run()
    world.send("events", *things(3, 4))
    world.run()
    assert world.ids() == [0, 1, 2, 4, 5, 6]
    ((_, offset, reject),) = world.tables.rejects
    assert (offset, reject.reason) == (3, "unreadable")
    assert accessor in reject.message
    assert reject.record.key() == b"k"
    assert reject.record.value() == (None if accessor == "value" else b'{"id": 3}')


def test_unreadable_headers_cost_neither_a_good_record_nor_the_reason_of_a_bad_one() -> None:
    world = World([events()])
    send_faulty(world, b'{"id": 0}', accessor="headers")
    send_faulty(world, b"{", accessor="headers")
    world.run()
    assert world.ids() == [0]
    assert world.reasons() == ["not_json"]


def test_sporadic_faults_are_found_one_by_one_while_good_records_pass() -> None:
    world = World([events()])
    rows_fail(world, SystemError, *range(0, 90, 2))
    for number in range(90):
        world.send("events", {"id": number})
        assert world.run().stopped == {}
    assert world.ids() == list(range(1, 90, 2))
    assert world.reasons() == ["unreadable"] * 45


def test_a_defect_that_hits_every_record_stops_only_its_dataset_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    world = World([events(), entities()])
    world.send("events", *things(200))
    world.send("entities", *things(5, 1000))

    def refuses(row: Row) -> RecordRefused | None:
        if row[0] < 1000:
            raise AttributeError("our own defect")
        return None

    world.tables.refuses = refuses
    with caplog.at_level(logging.INFO):
        worker = world.worker(limits=RunLimits())
        for _ in range(300):
            worker.step()
    assert world.ids(2) == list(range(1000, 1005))
    assert set(worker.streams.stopped) == {"events"}
    assert "may be a bug in Andén" in worker.streams.stopped["events"]
    taken = len(world.tables.rejects)
    assert taken % MAX_CONSECUTIVE == 0
    assert MAX_CONSECUTIVE <= taken < 200
    assert max(source.next_offset for source in world.tables.sources if source.key.dataset_id == 1) == taken
    assert sum("our own defect" in str(record.exc_info) for record in caplog.records) == 1
    world.tables.refuses = lambda _row: None
    worker.leave()
    world.run()
    assert world.ids(1) == list(range(taken, 200))


@pytest.mark.parametrize("bad", [MAX_CONSECUTIVE + 1, 2 * MAX_CONSECUTIVE, 3 * MAX_CONSECUTIVE + 5])
@pytest.mark.parametrize("error", [RecursionError, SystemError])
def test_the_same_worker_reaches_good_records_behind_a_run_of_unreadable_ones(
    bad: int, error: type[Exception]
) -> None:
    world = World([events()])
    world.send("events", *things(3))
    for _ in range(bad):
        send_faulty(world, b"{", error=error)
    world.send("events", *things(3, 3))
    worker = world.worker(limits=RunLimits())
    for _ in range(1_500):
        worker.step()
    assert world.ids(1) == list(range(6))
    assert world.reasons() == ["unreadable"] * bad
    assert worker.streams.stopped == {}


def test_a_bug_costs_twenty_records_per_pause_and_the_pauses_grow() -> None:
    world = World([events()])
    world.send("events", *things(2_000))
    rows_fail(world, RecursionError)
    worker = world.worker(limits=RunLimits())
    while world.clock.seconds < 600:
        worker.step()
    # Pauses of 2, 4, 8, 16 and 32 seconds, then one minute.
    assert 10 * MAX_CONSECUTIVE <= len(world.tables.rejects) <= 16 * MAX_CONSECUTIVE
    assert world.ids(1) == []
    assert "RecursionError" in worker.streams.stopped["events"]


@pytest.mark.parametrize("depth", [5, 200, 900])
def test_a_traceback_of_any_length_is_logged_within_one_screen(caplog: pytest.LogCaptureFixture, depth: int) -> None:
    def even(left: int) -> int:
        return odd(left - 1) if left else 1 // left

    def odd(left: int) -> int:
        try:
            return even(left - 1) if left else 1 // left
        except ZeroDivisionError as error:
            if left < depth - 2:
                raise
            raise RecursionError("no") from error

    with pytest.raises(RecursionError) as caught:
        odd(depth)
    DefectLog().log(caught.value)
    (record,) = caplog.records
    text = logging.Formatter().format(record)
    assert text.count("\n") < 250
    assert "RecursionError: no" in text
    assert "ZeroDivisionError" in text


@pytest.mark.parametrize("method", ["batch_ids", "open", "write", "finish", "commit", "committed", "claim", "release"])
@pytest.mark.parametrize("error", [RuntimeError, MemoryError])
def test_a_transient_fault_at_any_step_loses_and_repeats_nothing(method: str, error: type[Exception]) -> None:
    world = World([events(), entities()])
    world.send("events", *things(40), b"{")
    world.send("entities", *things(40))
    world.tables.faults = [(method, error("once"))] * 2
    while world.run(rows=15, chunk_records=10).stopped:
        pass
    assert world.ids(1) == world.ids(2) == list(range(40))
    assert world.reasons() == ["not_json"]
    assert sum(entry.rows for entry in world.tables.ledger) == 80


def test_a_reject_that_the_quarantine_rejects_is_stored_with_less_content(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([events()])
    world.send("events", *things(3), b"[" * 500, headers=(("h", b"v"),))
    world.send("events", *things(3, 4))
    commit = MemoryStore.commit

    def refusing(store: MemoryStore, parts: Sequence[DatasetBatch]) -> None:
        batches = [batch for part in parts for batch in part.source_batches.values()]
        if any(len(reject.record.value() or b"") > 100 for batch in batches for reject in batch.rejects):
            raise RecordRefused("string buffer exceeds the maximum", sqlstate="54000")
        commit(store, parts)

    monkeypatch.setattr(MemoryStore, "commit", refusing)
    world.run()
    assert world.ids() == [0, 1, 2, 4, 5, 6]
    ((_, offset, reject),) = world.tables.rejects
    assert (offset, reject.reason, reject.record.value()) == (3, "unreadable", None)
    assert "value" in reject.message


def test_a_failed_poll_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([events()])
    world.send("events", *things(5))
    worker = world.worker(limits=RunLimits(max_records=5))
    poll = MemoryConsumer.poll
    failures = [RuntimeError("once"), SystemError("twice")]

    def failing(consumer: MemoryConsumer, count: int, timeout_s: float) -> PollResult:
        if failures:
            raise failures.pop()
        return poll(consumer, count, timeout_s)

    monkeypatch.setattr(MemoryConsumer, "poll", failing)
    assert worker.run().rows == 5
    assert world.ids() == list(range(5))


def test_failing_metrics_stop_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(prometheus, "counter", full)
    monkeypatch.setattr(prometheus, "histogram", full)
    world = World([events()])
    world.send("events", *things(5), b"{")
    world.tables.faults = [("finish", RetriableStoreError("gone"))]
    assert world.run().rows == 5
    assert world.ids() == list(range(5))
    assert len(world.tables.rejects) == 1


def test_a_manual_interrupt_is_not_treated_as_a_defect() -> None:
    world = World([events()])
    world.send("events", *things(5))
    world.tables.faults = [("finish", KeyboardInterrupt())]  # type: ignore[list-item]
    with pytest.raises(KeyboardInterrupt):
        world.run()
    world.run()
    assert world.ids() == list(range(5))


class Killed(BaseException):
    """A crash of the process, which it cannot catch."""


def die_at(monkeypatch: pytest.MonkeyPatch, *ids: int) -> None:
    decode = Decoder.decode

    def deadly(self: Decoder, records: Sequence[ConsumerRecord], **how: Any) -> SourceBatch:
        part = decode(self, records, **how)
        if any(row[0] in ids for row in part.rows):
            raise Killed
        return part

    monkeypatch.setattr(Decoder, "decode", deadly)


def lives(world: World, **policy: Any) -> bool:
    """Whether a new worker finishes; one that crashes releases nothing."""
    worker = world.worker(**policy)
    try:
        while worker.step():
            pass
    except Killed:
        world.kafka.members[-1].vanish()
        return False
    worker.leave()
    return True


@pytest.mark.parametrize("deadly", [(0,), (37,), (10, 55)])
def test_a_record_that_crashes_worker_after_worker_is_quarantined(
    deadly: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World([events()])
    world.send("events", *things(60))
    die_at(monkeypatch, *deadly)
    ends = 0
    while not lives(world, chunk_records=20):
        ends += 1
        assert ends < 12
    assert ends <= 4 * len(deadly)
    assert world.ids() == [number for number in range(60) if number not in deadly]
    assert [offset for _, offset, _ in world.tables.rejects] == list(deadly)
    assert set(world.reasons()) == {"unreadable"}


def test_a_worker_that_crashed_for_another_reason_costs_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([events()])
    world.send("events", *things(60))
    for number in (5, 17, 30, 59):
        with monkeypatch.context() as patch:
            die_at(patch, number)
            assert not lives(world, chunk_records=20, rows=20)
    assert lives(world)
    assert world.ids() == list(range(60))
    assert world.tables.rejects == []


def test_an_outage_is_not_treated_as_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World([events()])
    world.send("events", {"id": 0})
    for _ in range(2):
        with monkeypatch.context() as patch:
            die_at(patch, 0)
            assert not lives(world)
    world.tables.faults = [("finish", RetriableStoreError("away"))] * 6
    assert lives(world)
    assert world.ids() == [0]
