"""Many datasets in one batch: committed together, and one at fault does not hold up the others."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from apps.ingest.core.errors import (
    DuplicateCoordinates,
    Fenced,
    IngestError,
    RecordRefused,
    RetriableStoreError,
    StaleContract,
    TableUnavailable,
)
from apps.ingest.core.ports import DatasetBatch
from apps.ingest.core.records import Row
from apps.ingest.services.batch_commit import MOST_DATASETS
from apps.ingest.services.run_limits import RunLimits
from apps.ingest.services.worker import Worker
from tests.fakes.memory_store import MemoryStore
from tests.unit.ingest.test_isolation import die_at, lives
from tests.unit.ingest.world import World, events, things, timed

LOCKED = TableUnavailable("canceling statement due to lock timeout (55P03)", sqlstate="55P03")


def busy(count: int, records: int = 5) -> World:
    """Datasets d1, d2, …, each with records in a topic of its own."""
    world = World([events(number, f"d{number}", f"t{number}") for number in range(1, count + 1)])
    send_all(world, records)
    return world


def send_all(world: World, records: int = 5, start: int = 0) -> None:
    for dataset in world.datasets:
        world.send(dataset.contract.topic, *things(records, start))


def stored(world: World) -> dict[int, list[int]]:
    return {dataset.id: world.ids(dataset.id) for dataset in world.datasets}


def steps(worker: Worker, count: int = 60) -> None:
    for _ in range(count):
        worker.step()


def test_interleaved_records_of_all_datasets_are_one_transaction() -> None:
    world = busy(20)
    world.run()
    assert stored(world) == {number: list(range(5)) for number in range(1, 21)}
    assert world.tables.commits == [[f"d{number}" for number in range(1, 21)]]


def test_a_transaction_holds_a_bounded_number_of_datasets_in_a_fixed_order() -> None:
    world = busy(MOST_DATASETS + 30, records=2)
    world.run()
    assert [len(names) for names in world.tables.commits] == [MOST_DATASETS, 30]
    ids = [[int(name[1:]) for name in names] for names in world.tables.commits]
    assert all(numbers == sorted(numbers) for numbers in ids)
    assert sum(len(found) for found in stored(world).values()) == 2 * (MOST_DATASETS + 30)


def test_limits_of_rows_and_bytes_hold_for_all_datasets_together() -> None:
    world = busy(10, records=30)
    world.run(rows=60, chunk_records=20)
    entries = {entry.id: entry for entry in world.tables.ledger}
    assert len(entries) == len(world.tables.ledger)
    assert len(world.tables.commits) == 5
    assert stored(world) == {number: list(range(30)) for number in range(1, 11)}


@pytest.mark.parametrize("records", [5, 3_000], ids=["at the end", "while streaming"])
def test_a_month_is_created_although_another_dataset_is_being_written(records: int) -> None:
    world = World([events(1, "streaming", "streaming"), timed(2)])
    world.send("streaming", *things(3_000))
    world.send("timed", *({"id": number, "at": "2025-05-06T07:08:09Z"} for number in range(records)))
    world.run()
    assert stored(world) == {1: list(range(3_000)), 2: list(range(records))}


@pytest.mark.parametrize("records", [5, 3_000], ids=["at the end", "while streaming"])
def test_a_month_that_cannot_be_created_pauses_only_its_dataset(records: int) -> None:
    world = World([events(1, "streaming", "streaming"), timed(2)])
    world.send("streaming", *things(3_000))
    world.send("timed", *({"id": number, "at": "2025-05-06T07:08:09Z"} for number in range(records)))
    world.tables.locked[2] = LOCKED
    worker = world.worker(limits=RunLimits())
    steps(worker)
    assert stored(world) == {1: list(range(3_000)), 2: []}
    assert set(worker.streams.stopped) == {"timed"}
    world.tables.locked.clear()
    world.clock.seconds += 6
    steps(worker)
    assert stored(world) == {1: list(range(3_000)), 2: list(range(records))}


def test_a_transaction_before_an_outage_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    world = busy(MOST_DATASETS + 5, records=2)
    commit, calls = MemoryStore.commit, 0

    def away_at_the_second(store: MemoryStore, parts: Sequence[DatasetBatch]) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise RetriableStoreError("away")
        commit(store, parts)

    monkeypatch.setattr(MemoryStore, "commit", away_at_the_second)
    assert world.run().rows == 2 * (MOST_DATASETS + 5)
    assert [len(names) for names in world.tables.commits] == [MOST_DATASETS, 5]


@pytest.mark.parametrize("records", [5, 3_000], ids=["at the end", "while streaming"])
def test_a_locked_table_pauses_only_its_dataset_until_it_is_free(records: int, caplog: Any) -> None:
    world = busy(4, records=records)
    world.tables.locked[2] = LOCKED
    with caplog.at_level(logging.ERROR):
        worker = world.worker(limits=RunLimits())
        steps(worker)
    everything = list(range(records))
    assert stored(world) == {1: everything, 2: [], 3: everything, 4: everything}
    assert set(worker.streams.stopped) == {"d2"}
    assert "lock timeout" in worker.streams.stopped["d2"]
    assert sum("d2" in record.message for record in caplog.records) == 2  # one for each partition
    assert [source.last_error for source in world.tables.sources if source.key.dataset_id == 2] == [str(LOCKED)] * 2
    send_all(world, 3, records)
    steps(worker)
    assert world.ids(1) == list(range(records + 3))
    world.tables.locked.clear()
    world.clock.seconds += 6
    steps(worker)
    assert stored(world) == {number: list(range(records + 3)) for number in range(1, 5)}
    assert worker.streams.stopped == {}
    assert world.tables.rejects == []


def test_a_dataset_that_failed_gets_its_own_transaction_until_it_succeeds() -> None:
    world = busy(3)
    world.tables.locked[2] = LOCKED
    worker = world.worker(limits=RunLimits())
    steps(worker)
    world.tables.locked.clear()
    world.clock.seconds += 6
    world.tables.commits.clear()
    steps(worker)
    send_all(world, 5, 5)
    steps(worker)
    assert world.tables.commits == [["d2"], ["d1", "d2", "d3"]]


@pytest.mark.parametrize(
    "error",
    [
        LOCKED,
        DuplicateCoordinates("twice"),
        StaleContract("no such column"),
        Fenced("another worker"),
        TableUnavailable("disk full", sqlstate="53100"),
        RuntimeError("a bug"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_any_error_of_one_table_leaves_the_others_their_batch(error: Exception) -> None:
    world = busy(5)
    world.tables.locked[3] = error
    worker = world.worker(limits=RunLimits())
    worker.step()
    worker.step()
    while worker._writer.is_open:
        worker.step()
    assert {number: len(found) for number, found in stored(world).items()} == {1: 5, 2: 5, 3: 0, 4: 5, 5: 5}
    world.tables.locked.clear()
    for _ in range(40):
        steps(worker, 10)
        world.clock.seconds += 5
    assert stored(world) == {number: list(range(5)) for number in range(1, 6)}
    assert world.tables.rejects == []


def test_a_row_that_postgresql_rejects_does_not_roll_the_others_back_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    world = busy(3, records=4)

    def refuses(row: Row) -> RecordRefused | None:
        return RecordRefused("twin", sqlstate="23505") if row[0] == 2 and row[1] == "twin" else None

    world.tables.refuses = refuses
    world.send("t2", {"id": 2, "name": "twin"})
    worker = world.worker(limits=RunLimits())
    steps(worker, 20)
    assert world.tables.commits == [["d1", "d3"], ["d2"]]
    assert world.reasons() == ["refused_by_database"]
    resets = 0
    reset = MemoryStore.reset

    def counted(store: MemoryStore) -> None:
        nonlocal resets
        resets += 1
        reset(store)

    world.tables.commits.clear()
    send_all(world, 4, 10)
    world.send("t2", {"id": 2, "name": "twin"})
    with monkeypatch.context() as patch:
        patch.setattr(MemoryStore, "reset", counted)
        steps(worker, 20)
    # Known for its bad rows, the dataset is stored apart, so the transaction of the others succeeds at once.
    assert world.tables.commits == [["d1", "d3"], ["d2"]]
    assert resets == len(world.tables.commits)  # the fake's commit resets
    assert world.ids(2) == [0, 1, 2, 3, 10, 11, 12, 13]


def test_a_fenced_source_stops_only_its_dataset() -> None:
    world = busy(4)
    worker = world.worker(limits=RunLimits())
    steps(worker, 3)
    send_all(world, 5, 5)
    for source in world.tables.sources:
        if source.key.dataset_id == 2:
            source.epoch += 1
    steps(worker, 20)
    assert {number: len(found) for number, found in stored(world).items()} == {1: 10, 2: 5, 3: 10, 4: 10}


def test_a_full_disk_of_the_server_is_an_outage_and_not_a_pause_for_each_dataset(caplog: Any) -> None:
    world = busy(50)
    full = TableUnavailable("could not extend file: No space left on device (53100)", sqlstate="53100")
    world.tables.locked = dict.fromkeys(range(1, 51), full)
    with caplog.at_level(logging.WARNING):
        worker = world.worker(limits=RunLimits())
        steps(worker, 30)
    assert worker.streams.stopped == {}
    assert sum("No space left" in record.message for record in caplog.records) == 1
    world.tables.locked.clear()
    world.clock.seconds += 20
    steps(worker, 30)
    assert stored(world) == {number: list(range(5)) for number in range(1, 51)}


@pytest.mark.parametrize("error", [RetriableStoreError("away"), RuntimeError("a bug"), MemoryError()])
@pytest.mark.parametrize("method", ["write", "finish", "commit", "committed"])
def test_a_commit_whose_outcome_is_unknown_loses_and_repeats_nothing(method: str, error: Exception) -> None:
    world = busy(12, records=30)
    world.tables.faults = [(method, error)] * 3
    while world.run(rows=100, chunk_records=40).stopped:
        pass
    assert stored(world) == {number: list(range(30)) for number in range(1, 13)}
    assert sum(entry.rows for entry in world.tables.ledger) == 12 * 30
    assert world.tables.rejects == []


def test_a_record_that_crashes_the_worker_is_found_among_many_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    world = busy(15, records=10)
    world.send("t7", {"id": 777})
    attempts: list[int] = []
    record_attempts = MemoryStore.record_attempts

    def counted(store: MemoryStore, tried: Any) -> None:
        attempts.append(len(tried))
        record_attempts(store, tried)

    monkeypatch.setattr(MemoryStore, "record_attempts", counted)
    die_at(monkeypatch, 777)
    crashes = 0
    while not lives(world):
        crashes += 1
        assert crashes < 9
    assert crashes <= 4
    assert attempts[0] == 15
    assert stored(world) == {number: list(range(10)) for number in range(1, 16)}
    ((_, offset, reject),) = world.tables.rejects
    assert (offset, reject.reason) == (10, "unreadable")


def test_after_a_crash_many_datasets_still_share_their_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    world = busy(15)
    with monkeypatch.context() as patch:
        die_at(patch, 4)
        assert not lives(world)
    assert lives(world)
    assert max(len(names) for names in world.tables.commits) == 15
    assert stored(world) == {number: list(range(5)) for number in range(1, 16)}


def test_an_error_names_the_reaction() -> None:
    assert issubclass(TableUnavailable, IngestError)
    assert LOCKED.is_lock
    assert not TableUnavailable(sqlstate="53100").is_lock
