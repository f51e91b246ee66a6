"""What a worker requires of its store: the same cases for the fake and for PostgreSQL."""

import dataclasses
import datetime
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest

from apps.datasets.core.errors import BadRecord
from apps.ingest.core.errors import (
    DuplicateCoordinates,
    Fenced,
    IngestError,
    PartitionMissing,
    RecordRefused,
    RetriableStoreError,
    TopicRecreated,
)
from apps.ingest.core.ports import DatasetBatch, SourceClaim, Store, TargetTable
from apps.ingest.core.records import Attempt, OffsetAndEpoch, Position, Row, SourceBatch, TopicPartition
from tests.contract.ingest.stores import AnyTables, InMemory, InPostgres, key
from tests.documents import document, prop
from tests.fakes.memory_kafka import MemoryRecord
from tests.unit.ingest.world import ENTITIES, EVENTS, NOW_MS, TIMED, target


@pytest.fixture(params=["memory", "postgres"])
def tables(request: pytest.FixtureRequest) -> Iterator[AnyTables]:
    if request.param == "memory":
        yield InMemory()
        return
    behind = InPostgres(request.getfixturevalue("station"))
    yield behind
    for store in behind.stores:
        store.close()


def claim(store: Store, wanted: SourceClaim) -> Position:
    (found,) = store.claim([wanted])
    if isinstance(found, IngestError):
        raise found
    return found


def claimed(store: Store, to: TargetTable) -> Position:
    return claim(store, SourceClaim(key(to), 0))


def source_batch(
    store: Store, to: TargetTable, position: Position, *values: Any, start: int = 0, stamp: int = 0
) -> SourceBatch:
    records = [
        MemoryRecord(
            TopicPartition("things", 0),
            start + number,
            msgspec.json.encode(value[0]) if isinstance(value, list) else None,
            None if isinstance(value, list) else msgspec.json.encode(value),
            NOW_MS + stamp + number,
        )
        for number, value in enumerate(values)
    ]
    store.reserve_ids(1)
    return to.decoder.decode(records, position=position, batch_id=store.batch_id(), now_ms=NOW_MS + 1_000)


def share(to: TargetTable, *batches: SourceBatch) -> DatasetBatch:
    return DatasetBatch(to, source_batches={batch.position.source_id: batch for batch in batches})


def put(store: Store, *parts: DatasetBatch) -> None:
    store.open(lock_timeout_ms=500)
    for part in parts:
        store.write(part.target, part.unwritten())
    store.finish()
    store.commit(parts)


def events(tables: AnyTables) -> TargetTable:
    return target(tables.dataset(document("things", EVENTS, mode="append")))


def test_rows_rejects_ledger_and_position_change_together(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    position = claimed(store, to)
    assert position.next_offset == 0
    put(store, share(to, source_batch(store, to, position, {"id": 1, "name": "a"}, {"id": "bad"}, {"id": 2})))
    assert tables.rows(to) == [(1, "a"), (2, None)]
    assert tables.counts() == (1, 1)
    later = claimed(tables.store(), to)
    assert (later.next_offset, later.epoch, later.max_at_ms) == (3, position.epoch + 1, NOW_MS + 2)


def test_a_stale_epoch_cannot_commit(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    position = claimed(store, to)
    position.epoch -= 1
    with pytest.raises(Fenced):
        put(store, share(to, source_batch(store, to, position, {"id": 1})))
    store.reset()
    assert tables.rows(to) == []
    assert tables.counts() == (0, 0)
    assert claimed(store, to).next_offset == 0


def test_a_claim_after_a_lost_session_keeps_its_epoch_or_is_fenced(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    position = claimed(store, to)
    again = claim(store, SourceClaim(key(to), 0, known_epoch=position.epoch))
    assert again.epoch == position.epoch + 1
    with pytest.raises(Fenced):
        claim(store, SourceClaim(key(to), 0, known_epoch=position.epoch))


def test_a_claim_terminates_the_session_of_an_owner_inside_a_batch(tables: AnyTables) -> None:
    to, frozen, successor = events(tables), tables.store(), tables.store()
    position = claimed(frozen, to)
    stuck = source_batch(frozen, to, position, {"id": 1})
    frozen.open(lock_timeout_ms=500)
    frozen.write(to, stuck.rows)
    taken = claimed(successor, to)
    put(successor, share(to, source_batch(successor, to, taken, {"id": 1}, {"id": 2})))
    with pytest.raises(RetriableStoreError):
        frozen.finish()
    frozen.reset()
    assert tables.rows(to) == [(1, None), (2, None)]


def test_an_owner_that_released_keeps_its_session(tables: AnyTables) -> None:
    to, first, second = events(tables), tables.store(), tables.store()
    position = claimed(first, to)
    assert tables.owned(position)
    first.release([position])
    assert not tables.owned(position)
    claimed(second, to)
    first.release([position])
    assert tables.owned(position)
    first.reserve_ids(100)
    assert len({first.batch_id() for _ in range(100)}) == 100


def test_a_recreated_topic_is_refused(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    claimed(store, to)
    with pytest.raises(TopicRecreated, match="deleted and created again"):
        claim(store, SourceClaim(key(to, "life-2"), 0))
    store.reset()
    assert claimed(store, to).next_offset == 0


def test_rejected_rows_are_isolated_and_the_others_stored(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    tables.refuse_names_longer_than_three()
    values = [{"id": number, "name": "long" if number in {4, 9} else "ok"} for number in range(10)]
    batch = source_batch(store, to, claimed(store, to), *values)
    with pytest.raises(RecordRefused) as first:
        put(store, share(to, batch))
    assert first.value.row == 4
    store.reset()
    store.open(lock_timeout_ms=500)
    refused = store.bisect(to, batch.rows)
    assert [row[0] for row, _ in refused] == [4, 9]
    assert [error.row for _, error in refused] == [0, 0]
    store.commit([share(to, batch)])
    assert [row[0] for row in tables.rows(to)] == [0, 1, 2, 3, 5, 6, 7, 8]


def test_rejected_rows_of_upserts_are_isolated_in_the_session_s_first_batch(tables: AnyTables) -> None:
    to, store = target(tables.dataset(document("things", ENTITIES, mode="upsert"))), tables.store()
    tables.refuse_names_longer_than_three()
    values = [{"id": number, "name": "long" if number % 3 == 0 else "ok"} for number in range(10)]
    batch = source_batch(store, to, claimed(store, to), *values)
    store.open(lock_timeout_ms=500)
    refused = store.bisect(to, batch.rows)
    assert sorted(row[0] for row, _ in refused) == [0, 3, 6, 9]
    offset = to.decoder.source_index + 1
    to.decoder.reject_refused(batch, {row[offset]: (BadRecord("no", "no"), "") for row, _ in refused})
    store.commit([share(to, batch)])
    assert [row[0] for row in tables.rows(to)] == [1, 2, 4, 5, 7, 8]


def test_existing_coordinates_stop_the_batch_and_blame_no_record(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    position = claimed(store, to)
    put(store, share(to, source_batch(store, to, position, {"id": 1})))
    with pytest.raises(DuplicateCoordinates):
        put(store, share(to, source_batch(store, to, position, {"id": 1})))
    store.reset()
    assert tables.rows(to) == [(1, None)]


def test_a_month_is_missing_until_it_is_created(tables: AnyTables) -> None:
    to, store = target(tables.dataset(document("things", TIMED, mode="append"))), tables.store()
    value = {"id": 1, "at": "2013-05-06T07:08:09Z"}
    batch = source_batch(store, to, claimed(store, to), value)
    with pytest.raises(PartitionMissing):
        put(store, share(to, batch))
    store.reset()
    store.ensure_months(to, datetime.date(2013, 5, 1), datetime.date(2013, 5, 1), lock_timeout_ms=500)
    put(store, share(to, batch))
    assert len(tables.rows(to)) == 1


def test_upserts_keep_the_newest_and_a_tombstone_stays(tables: AnyTables) -> None:
    to, store = target(tables.dataset(document("things", ENTITIES, mode="upsert"))), tables.store()
    position = claimed(store, to)
    values = [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}, {"id": 2, "name": "c"}]
    put(store, share(to, source_batch(store, to, position, *values)))
    assert tables.rows(to) == [(1, "b", False), (2, "c", False)]
    put(store, share(to, source_batch(store, to, position, [2], {"id": 1, "name": "d"}, start=3, stamp=3)))
    put(store, share(to, source_batch(store, to, position, {"id": 2, "name": "old"}, start=5, stamp=-500)))
    assert tables.rows(to) == [(1, "d", False), (2, None, True)]


def _stored(store: Store, to: TargetTable, rows: Sequence[Row]) -> None:
    store.write(to, rows)
    store.finish()


def test_a_value_that_psycopg_cannot_encode_is_a_rejected_record(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    batch = source_batch(store, to, claimed(store, to), {"id": 1}, {"id": 2})
    if isinstance(tables, InMemory):
        tables.tables.refuses = lambda row: RecordRefused("no", sqlstate="22000") if row[0] == 2**70 else None
    rows = [batch.rows[0], (2**70, *batch.rows[1][1:])]
    store.open(lock_timeout_ms=500)
    with pytest.raises(RecordRefused) as first:
        _stored(store, to, rows)
    assert first.value.row == 1
    store.reset()
    store.open(lock_timeout_ms=500)
    refused = store.bisect(to, rows)
    assert [row[0] for row, _ in refused] == [2**70]
    store.commit([share(to, batch)])
    assert tables.rows(to) == [(1, None)]


def test_an_array_of_every_wire_and_json_reach_the_table(tables: AnyTables) -> None:
    properties = [
        prop("id", "integer", required=True),
        prop("texts", "array", "text[]"),
        prop("numbers", "array", "bigint[]"),
        prop("amount", "number", "numeric(12,2)"),
        prop("body", "object"),
    ]
    to, store = target(tables.dataset(document("things", properties, mode="append"))), tables.store()
    value = {"id": 1, "texts": ["a", None], "numbers": [1, 2**40], "amount": "12.50", "body": {"a": [1]}}
    batch = source_batch(store, to, claimed(store, to), value)
    assert batch.rejects == []
    put(store, share(to, batch))
    ((number, texts, numbers, amount, _),) = tables.rows(to)
    assert (number, texts, numbers, str(amount)) == (1, ["a", None], [1, 2**40], "12.50")


def test_a_successor_sees_an_unreleased_owner_and_its_last_attempt(tables: AnyTables) -> None:
    to, first = events(tables), tables.store()
    position = claimed(first, to)
    assert (position.orphaned, position.attempt) == (False, None)
    put(first, share(to, source_batch(first, to, position, {"id": 1})))
    second = tables.store()
    position = claimed(second, to)
    assert (position.orphaned, position.attempt) == (True, None)
    second.record_attempts([(position, position.next_offset, 20)])
    again = claim(second, SourceClaim(key(to), 0, position.epoch))
    assert (again.orphaned, again.attempt) == (False, Attempt(1, 20, 1))
    second.record_attempts([(again, again.next_offset, 20)])
    third = tables.store()
    position = claimed(third, to)
    assert (position.orphaned, position.attempt) == (True, Attempt(1, 20, 2))
    third.record_attempts([(position, position.next_offset, 1)])
    third.release([position])
    last = claimed(tables.store(), to)
    assert (last.orphaned, last.attempt) == (False, Attempt(1, 1, 1))
    with pytest.raises(Fenced):
        third.record_attempts([(position, position.next_offset, 2)])


def test_an_unreadable_dataset_stores_its_error_on_owned_and_unowned_sources(tables: AnyTables) -> None:
    to, store, other = events(tables), tables.store(), tables.store()
    position = claimed(store, to)
    other.set_unreadable(to.dataset_id, "a later version")
    assert tables.owned(position)
    store.set_unreadable(to.dataset_id, "a later version")
    assert not tables.owned(position)
    assert claimed(other, to).next_offset == 0


def test_a_position_keeps_the_leader_epoch_of_its_last_record(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    position = claimed(store, to)
    assert position.leader_epoch is None
    batch = source_batch(store, to, position, {"id": 1}, {"id": 2})
    batch.records[-1] = dataclasses.replace(batch.records[-1], written_in=7)  # type: ignore[type-var]
    put(store, share(to, batch))
    assert claimed(store, to).leader_epoch == 7
    assert claimed(tables.store(), to).leader_epoch == 7


def test_a_position_advances_to_the_end_without_a_record_or_a_ledger_entry(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    position = claimed(store, to)
    put(store, share(to, source_batch(store, to, position, {"id": 1})))
    assert store.advance([(position, OffsetAndEpoch(5, 3))]) == {position.source_id}
    assert tables.counts() == (1, 0)
    later = claimed(store, to)
    assert (later.next_offset, later.leader_epoch) == (5, 3)


@pytest.mark.parametrize(("epoch", "end"), [(-1, 5), (0, 0)])
def test_a_previous_owner_and_an_older_end_move_nothing(tables: AnyTables, epoch: int, end: int) -> None:
    to, store = events(tables), tables.store()
    position = claimed(store, to)
    put(store, share(to, source_batch(store, to, position, {"id": 1})))
    position.epoch += epoch
    assert store.advance([(position, OffsetAndEpoch(end, 3))]) == set()
    assert claimed(store, to).next_offset == 1
    assert store.advance([]) == set()


def test_the_error_of_a_refused_topic_is_kept_until_it_is_claimed(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    for _ in range(2):
        assert not store.set_refusal(to.dataset_id, "things", "no right")
        assert tables.errors() == ["no right"]
    position = claimed(store, to)
    assert position.next_offset == 0
    assert tables.errors() == [""]
    assert store.set_refusal(to.dataset_id, "things", "no right again")
    assert tables.errors() == ["no right again"]
    other = dataclasses.replace(key(to), partition=1)
    assert claim(store, SourceClaim(other, 4)).next_offset == 4
    assert sorted(tables.errors()) == ["", "no right again"]


def test_errors_of_an_earlier_topic_id_are_cleared_by_the_next_claim(tables: AnyTables) -> None:
    to, store = events(tables), tables.store()
    claimed(store, to)
    claim(store, SourceClaim(dataclasses.replace(key(to), partition=1), 0))
    store.set_refusal(to.dataset_id, "things", "no such topic")
    tables.make_life(to, "life-2")
    store.set_error(key(to), "deleted and created again")
    store.set_refusal(to.dataset_id, "the name before", "no right")
    assert sorted(tables.errors()) == ["deleted and created again"] * 2 + ["no right", "no such topic"]
    claim(store, SourceClaim(key(to, "life-2"), 0))
    assert tables.errors() == [""] * 4
