"""The worker with fakes: every record once, whatever happens."""

import gc
from collections.abc import Callable

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.ingest.core.errors import (
    BrokerUnavailable,
    DuplicateCoordinates,
    Fenced,
    IngestError,
    RecordRefused,
    RetriableStoreError,
    StaleContract,
    UnexpectedStoreError,
)
from apps.ingest.core.records import Row, TopicPartition
from apps.ingest.services.run_limits import RunLimits
from tests.documents import document, prop
from tests.unit.ingest.world import EVENTS, World, applied, entities, events, things, timed

P0 = TopicPartition("events", 0)


def test_every_record_of_every_partition_is_stored_once_and_none_the_second_time() -> None:
    world = World([events()])
    world.send("events", *things(50))
    world.send("events", *things(50, 50), partition=1)
    moved = world.run(rows=20, chunk_records=7)
    assert (moved.records, moved.rows, moved.rejects) == (100, 100, 0)
    assert world.ids() == list(range(100))
    assert world.run().records == 0
    assert sum(entry.rows for entry in world.tables.ledger) == 100


def test_a_bad_record_is_quarantined_with_its_coordinates() -> None:
    world = World([events()])
    world.send("events", {"id": 1}, b"{", [1], {"name": "x"}, {"id": "x"}, {"id": 2, "new": 1}, None, {"id": 3})
    world.send("events", {"id": 9, "name": "a\0b"})
    moved = world.run()
    assert world.ids() == [1, 3]
    assert world.reasons() == sorted(
        ["not_json", "not_an_object", "missing_field", "wrong_type", "unknown_field", "not_an_object", "nul"]
    )
    assert [offset for _, offset, _ in world.tables.rejects] == [1, 2, 3, 4, 5, 6, 8]
    assert (moved.rows, moved.rejects) == (2, 7)
    assert [(entry.rows, entry.rejects) for entry in world.tables.ledger] == [(2, 7)]


def refuse(*ids: int) -> Callable[[Row], RecordRefused | None]:
    return lambda row: RecordRefused("no", sqlstate="22001", column="name") if row[0] in ids else None


def test_rows_that_the_database_rejects_are_found_and_all_others_stored() -> None:
    world = World([events()])
    world.send("events", *things(40), b"[")
    world.tables.refuses = refuse(3, 4, 39)
    world.run()
    assert world.ids() == [number for number in range(40) if number not in {3, 4, 39}]
    assert world.reasons() == ["not_json", *["refused_by_database"] * 3]
    refused = [reject for _, _, reject in world.tables.rejects if reject.sqlstate]
    assert {(reject.field, reject.sqlstate) for reject in refused} == {("name", "22001")}
    assert [(entry.rows, entry.rejects) for entry in world.tables.ledger] == [(37, 4)]


def test_a_missing_ledger_day_is_created_and_the_batch_stored() -> None:
    world = World([events()])
    world.tables.days = False
    world.send("events", *things(5))
    assert world.run().rows == 5
    assert world.tables.days


def test_months_are_created_before_their_rows_and_late_events_follow_the_contract() -> None:
    for policy, reasons in (("quarantine", ["late", "late"]), ("drop", [])):
        world = World([timed(earliest="2013-01", latest="2013-03", late=policy)])
        for day in ("2013-01-05", "2013-03-31", "2012-12-31", "2013-04-01", "2013-01-06"):
            world.send("timed", {"id": 1, "at": f"{day}T00:00:00Z"})
        moved = world.run()
        assert (moved.rows, moved.rejects) == (3, 2)
        assert sorted(month.month for month in world.tables.months[3]) == [1, 3]
        assert world.reasons() == reasons


def test_two_datasets_read_one_topic_each_at_its_own_position() -> None:
    first, second = events(), events(4, "copies")
    world = World([first])
    world.send("events", *things(10))
    world.run()
    world.datasets.append(second)
    world.send("events", *things(5, 10))
    world.run()
    assert world.ids(1) == world.ids(4) == list(range(15))


STEPS = ("claim", "batch_ids", "open", "write", "finish", "commit", "committed", "release")


TROUBLES = (RetriableStoreError, Fenced, StaleContract, UnexpectedStoreError)


@hypothesis.settings(max_examples=40)
@given(
    faults=st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(TROUBLES)), max_size=6),
    rows=st.integers(1, 30),
    chunk=st.integers(1, 30),
)
def test_every_record_is_stored_once_whatever_step_fails(
    faults: list[tuple[str, type[IngestError]]], rows: int, chunk: int
) -> None:
    world = World([events(), entities()])
    world.send("events", *things(30), b"bad")
    world.send("entities", *things(30))
    world.tables.faults = [
        (step, error("gone") if step != "committed" else RetriableStoreError("gone")) for step, error in faults
    ]
    while world.run(rows=rows, chunk_records=chunk).stopped:
        pass
    assert world.ids(1) == world.ids(2) == list(range(30))
    assert world.reasons() == ["not_json"]
    assert sum(entry.rows for entry in world.tables.ledger) == 60


def test_a_successor_terminates_the_session_of_a_worker_that_vanished_inside_a_batch() -> None:
    world = World([events()])
    world.send("events", *things(10))
    frozen = world.worker(limits=RunLimits(max_records=5), rows=1_000)
    for _ in range(2):
        frozen.step()
    assert frozen.summary.records == 5
    assert world.ids() == []
    world.kafka.members[0].vanish()
    assert world.run().rows == 10
    frozen.on_revoke(())
    assert world.ids() == list(range(10))
    assert [source.epoch for source in world.tables.sources] == [2, 2]


def test_a_rebalance_hands_partitions_over_without_loss() -> None:
    world = World([events()])
    world.send("events", *things(20))
    world.send("events", *things(20, 20), partition=1)
    one, two = world.worker(rows=5, chunk_records=3), world.worker(rows=5, chunk_records=3)
    for _ in range(4):
        one.step()
    for _ in range(30):
        two.step()
        one.step()
    assert all(worker.summary.rows for worker in (one, two))
    assert world.ids() == list(range(40))
    one.leave()
    two.leave()
    assert all(source.owner is None for source in world.tables.sources)


def test_a_recreated_topic_stops_only_its_dataset_and_is_reported() -> None:
    world = World([events(), entities()])
    world.send("events", *things(10))
    world.run()
    world.kafka.make("events", 2)
    world.send("events", *things(20, 100))
    world.send("entities", *things(3))
    moved = world.run()
    assert "deleted and created again" in moved.stopped["events"]
    assert world.ids(1) == list(range(10))
    assert world.ids(2) == [0, 1, 2]
    errors = {source.key.topic: source.last_error for source in world.tables.sources}
    assert "deleted and created again" in errors["events"]
    assert errors["entities"] == ""


def test_a_topic_recreated_while_it_is_read_also_stops() -> None:
    world = World([events()])
    world.send("events", *things(10))
    worker = world.worker()
    for _ in range(5):
        worker.step()
    world.kafka.make("events", 2)
    world.send("events", *things(20, 100))
    world.clock.seconds += 10
    worker.step()
    assert "deleted and created again" in worker.streams.stopped["events"]
    assert world.ids() == list(range(10))


@pytest.mark.parametrize("how", ["at the claim", "while reading"])
def test_offsets_lost_to_retention_stop_the_pipeline_and_skip_nothing(how: str) -> None:
    world = World([events()])
    world.send("events", *things(10))
    worker = world.worker(limits=RunLimits(max_records=4), chunk_records=4, rows=4)
    if how == "at the claim":
        worker.run()
        world.send("events", *things(10, 10))
        world.kafka.expire(P0, 8)
        assert "no longer has it" in world.run().stopped["events"]
    else:
        for _ in range(3):
            worker.step()
        world.kafka.expire(P0, 8)
        worker.step()
        assert "no longer has it" in worker.streams.stopped["events"]
    assert world.ids() == [0, 1, 2, 3]
    assert world.tables.sources[0].next_offset == 4


def test_duplicate_coordinates_stop_the_pipeline_and_the_other_continues() -> None:
    world = World([events(), entities()])
    world.send("events", *things(5))
    world.send("entities", *things(5))
    world.tables.faults = [("finish", DuplicateCoordinates("already there"))]
    moved = world.run()
    assert moved.stopped == {"entities": "already there"}
    assert (world.ids(1), world.ids(2)) == ([0, 1, 2, 3, 4], [])


def test_max_records_is_exact() -> None:
    world = World([events()])
    world.send("events", *things(100))
    for _ in range(3):
        assert world.worker(limits=RunLimits(max_records=13), chunk_records=5).run().records == 13
    assert world.ids() == list(range(39))


def test_datasets_come_and_go_while_the_worker_runs() -> None:
    world = World([events()])
    world.kafka.make("entities")
    world.send("entities", *things(3))
    worker = world.worker(limits=RunLimits())
    worker.step()
    world.datasets.append(entities())
    for _ in range(80):
        worker.step()
    assert world.ids(2) == [0, 1, 2]
    world.datasets.pop(0)
    world.clock.seconds += 10
    worker.step()
    world.send("events", *things(3))
    for _ in range(80):
        worker.step()
    assert world.ids(1) == []
    assert {stream.target.name for stream in worker.streams} == {"entities"}


def test_a_missing_topic_is_waited_for_and_fails_a_bounded_run(caplog: pytest.LogCaptureFixture) -> None:
    world = World([events()])
    del world.kafka.topics["events"]
    assert "topics ensure" in world.run().stopped["events"]
    worker = world.worker(limits=RunLimits())
    for _ in range(150):
        worker.step()
    assert [record.message for record in caplog.records if "waiting for it" in record.message] == [
        "Kafka has no topic events: create it with `manage.py topics ensure`; waiting for it"
    ]
    world.kafka.make("events")
    world.send("events", *things(2))
    for _ in range(80):
        worker.step()
    assert world.ids() == [0, 1]


def test_an_outage_of_kafka_or_the_catalogue_is_waited_for_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World([events()])
    world.send("events", *things(2))
    world.kafka.away = "Kafka at nowhere:1 does not respond"
    world.catalogue_faults = 3
    worker = world.worker(limits=RunLimits())
    for _ in range(300):
        worker.step()
    assert world.ids() == []
    assert sum(record.levelname == "WARNING" for record in caplog.records) == 1
    with pytest.raises(BrokerUnavailable, match="nowhere:1"):
        world.run()
    world.kafka.away = ""
    for _ in range(80):
        worker.step()
    assert world.ids() == [0, 1]


def test_an_outage_buffers_no_records_and_keeps_polling() -> None:
    world = World([events()])
    world.send("events", *things(50))
    world.tables.faults = [("finish", RetriableStoreError("gone"))] * 1
    worker = world.worker(limits=RunLimits(), rows=10, chunk_records=10)
    for _ in range(2):
        worker.step()
    assert all(stream.position is None for stream in worker.streams)
    assert world.kafka.members[0].poll(10, 0).count == 0
    worker.on_revoke(())  # commits the open batch
    assert world.ids() == []
    for _ in range(100):
        worker.step()
    assert world.ids() == list(range(50))


def test_a_changed_contract_is_picked_up_without_a_restart() -> None:
    world = World([events()])
    world.send("events", {"id": 1}, {"id": 2, "size": 3})
    worker = world.worker(limits=RunLimits())
    for _ in range(5):
        worker.step()
    assert world.reasons() == ["unknown_field"]
    wider = document("events", [*EVENTS, prop("size", "integer")], physical_name="events", mode="append")
    world.datasets[0] = applied(1, wider, version=2)
    world.clock.seconds += 10
    worker.step()
    world.send("events", {"id": 3, "size": 4})
    for _ in range(5):
        worker.step()
    assert world.ids() == [1, 3]
    assert [entry.version for entry in world.tables.ledger] == [1, 2]


def test_the_garbage_collector_is_enabled_after_a_run() -> None:
    World([events()]).run()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


@hypothesis.settings(max_examples=40)
@given(
    order=st.permutations(list(range(12))),
    cut=st.integers(1, 12),
    stamps=st.lists(st.integers(0, 5), min_size=12, max_size=12),
)
def test_upserts_have_the_same_result_in_any_order_of_arrival(order: list[int], cut: int, stamps: list[int]) -> None:
    """Twelve records of three keys over two partitions have one result in any interleaving."""

    def outcome(interleaved: bool) -> dict[tuple[object, ...], Row]:
        world = World([entities()])
        sent = [(number, number % 2) for number in range(12)]
        first = sorted(sent, key=lambda item: (item[1], item[0]))
        for step in [first[:6], first[6:]] if not interleaved else [sent[:cut], sent[cut:]]:
            for number, partition in step:
                record = None if number in order[:3] else {"id": number % 3, "name": str(number)}
                world.send(
                    "entities", record, partition=partition, key=str(number % 3).encode(), stamp_ms=stamps[number]
                )
            world.run(rows=3, chunk_records=2)
        batch = 4
        return {key: row[:batch] + row[batch + 1 :] for key, row in world.tables.rows[2].items()}

    assert outcome(interleaved=False) == outcome(interleaved=True)
