"""The worker with truncated logs, refused topics and transaction markers."""

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.ingest.core.records import TopicPartition
from apps.ingest.core.truncation import is_truncation, truncation_end
from apps.ingest.services.run_limits import RunLimits
from tests.unit.ingest.world import World, entities, events, things

P0, P1 = TopicPartition("events", 0), TopicPartition("events", 1)
MESSAGE = "the topic events is refused: no right"


def next_offsets(world: World) -> list[int]:
    return [source.next_offset for source in world.tables.sources if source.key.topic == "events"]


@pytest.mark.parametrize("when", ["while down", "while it runs"])
def test_a_truncated_and_rewritten_log_stops_only_its_stream(when: str) -> None:
    world = World([events(), entities()])
    world.send("events", *things(10))
    worker = world.worker(limits=RunLimits())
    for _ in range(5):
        worker.step()
    if when == "while down":
        worker.leave()
        worker = world.worker(limits=RunLimits())
    world.kafka.truncate(P0, 5)
    world.send("events", *things(20, 100))
    world.send("entities", *things(3))
    for _ in range(10):
        worker.step()
    why = worker.streams.stopped["events"]
    assert "was cut" in why
    assert "now ends at offset 5" in why
    assert world.ids(1) == list(range(10))
    assert world.ids(2) == [0, 1, 2]
    assert next_offsets(world)[0] == 10


@pytest.mark.parametrize("end", [10, 11, 15])
def test_a_truncation_past_the_position_loses_nothing(end: int) -> None:
    world = World([events()])
    world.send("events", *things(10))
    world.run()
    world.send("events", *things(5, 10))
    world.kafka.truncate(P0, end)
    world.send("events", *things(3, 100))
    assert world.run().stopped == {}
    assert world.ids() == [*range(end), 100, 101, 102]


def test_a_position_without_an_epoch_is_resumed_normally() -> None:
    world = World([events()])
    world.send("events", *things(10))
    world.run()
    world.tables.sources[0].leader_epoch = None
    world.kafka.truncate(P0, 5)
    world.send("events", *things(20, 100))
    assert world.run().stopped == {}
    assert world.tables.sources[0].leader_epoch == 1


def test_a_dataset_that_is_further_behind_hides_no_truncation() -> None:
    world = World([events()])
    world.send("events", *things(10))
    world.run()
    world.datasets.append(events(4, "copies"))
    world.kafka.truncate(P0, 5)
    world.send("events", *things(20, 100))
    moved = world.run()
    assert list(moved.stopped) == ["events"]
    assert world.ids(4) == [*range(5), *range(100, 120)]
    assert world.ids(1) == list(range(10))


def test_a_truncated_stream_does_not_stop_one_further_ahead() -> None:
    world = World([events(), events(4, "copies")])
    world.send("events", *things(10))
    world.run()
    world.kafka.truncate(P0, 5)
    world.send("events", *things(20, 100))
    copies = next(source for source in world.tables.sources if source.key.dataset_id == 4)
    copies.next_offset, copies.leader_epoch = 15, 1
    moved = world.run()
    assert list(moved.stopped) == ["events"]
    assert world.ids(4) == [*range(10), *range(110, 120)]


@pytest.mark.parametrize("committed", [0, 7])
def test_positions_advance_past_transaction_markers(committed: int) -> None:
    world = World([events()])
    world.send("events", *things(committed))
    world.kafka.mark(P0, 6)
    world.kafka.mark(P1, 2)
    worker = world.worker()
    worker.step()
    (member,) = world.kafka.members
    moved = worker.run()
    assert moved.records == committed
    assert next_offsets(world) == [committed + 6, 2]
    assert member.committed == {P0: committed + 6, P1: 2}
    assert sum(entry.rows for entry in world.tables.ledger) == committed
    world.kafka.expire(P0, committed + 6)
    world.send("events", *things(1, 50))
    assert world.run().stopped == {}
    assert world.ids() == [*range(committed), 50]


def test_a_marker_of_a_later_leader_is_not_a_truncation() -> None:
    world = World([events()])
    world.send("events", *things(5))
    world.run()
    world.kafka.truncate(P0, 5)
    world.kafka.mark(P0, 3)
    world.run()
    assert (world.tables.sources[0].next_offset, world.tables.sources[0].leader_epoch) == (8, 1)
    world.send("events", *things(1, 50))
    assert world.run().stopped == {}


@pytest.mark.parametrize("cut", [3, 5, 7])
def test_a_position_does_not_advance_to_an_end_from_before_a_truncation(cut: int) -> None:
    world = World([events()])
    world.send("events", *things(5))
    world.kafka.mark(P0, 3)
    worker = world.worker(limits=RunLimits())
    for _ in range(5):
        worker.step()
    ends = {stream.topic_partition: stream.position.end_offset for stream in worker.streams if stream.position}
    assert ends == {P0: 8, P1: 0}
    assert next_offsets(world) == [5, 0]
    world.kafka.truncate(P0, cut)
    world.send("events", *things(20, 100))
    worker.leave()
    assert next_offsets(world) == [5, 0]
    if cut < 5:
        assert "was cut" in world.run().stopped["events"]
    else:
        world.run()
        assert world.ids() == [*range(5), *range(100, 120)]


def test_only_the_owner_advances_to_the_end() -> None:
    world = World([events()])
    world.send("events", *things(5))
    world.kafka.mark(P0, 3)
    worker = world.worker(limits=RunLimits())
    for _ in range(3):
        worker.step()
    world.tables.sources[0].epoch += 1
    world.tables.sources[0].next_offset = 2
    world.clock.seconds += 10
    for _ in range(3):
        worker.step()
    assert world.tables.sources[0].next_offset == 2


@hypothesis.settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["send", "mark", "turn", "fault", "advance"]), st.integers(1, 5)), max_size=40
    )
)
def test_no_record_between_markers_is_skipped(steps: list[tuple[str, int]]) -> None:
    from apps.ingest.core.errors import RetriableStoreError  # noqa: PLC0415 - next to its only use

    world = World([events()])
    worker = world.worker(limits=RunLimits(), rows=3, chunk_records=2)
    sent = 0
    for step, count in steps:
        if step == "send":
            world.send("events", *things(count, sent), partition=count % 2)
            sent += count
        elif step == "mark":
            world.kafka.mark(P0 if count % 2 else P1, count)
        elif step == "fault":
            world.tables.faults = [(("advance", "commit", "finish", "claim")[count % 4], RetriableStoreError("gone"))]
        elif step == "advance":
            world.clock.seconds += 10
        for _ in range(count if step == "turn" else 0):
            worker.step()
    world.tables.faults = []
    worker.leave()
    world.run()
    assert world.ids() == list(range(sent))
    assert sum(entry.rows for entry in world.tables.ledger) == sent
    assert sorted(next_offsets(world)) == sorted(world.kafka.log(place).end for place in (P0, P1))


def test_a_refused_topic_is_reported_and_read_again_once_permitted() -> None:
    world = World([events(), entities()])
    world.send("events", *things(5))
    world.send("entities", *things(5))
    world.kafka.refused["events"] = MESSAGE
    assert world.run().stopped == {"events": MESSAGE}
    assert world.ids(2) == [0, 1, 2, 3, 4]
    assert {source.key.topic: source.last_error for source in world.tables.sources}["events"] == MESSAGE
    del world.kafka.refused["events"]
    assert world.run().stopped == {}
    assert world.ids(1) == [0, 1, 2, 3, 4]
    assert {source.last_error for source in world.tables.sources} == {""}


def test_a_permission_revoked_while_reading_loses_nothing() -> None:
    world = World([events(), entities()])
    worker = world.worker(limits=RunLimits(), rows=4, chunk_records=3)
    for start in range(0, 40, 10):
        world.send("events", *things(10, start))
        world.send("entities", *things(10, start))
        if start == 20:
            world.kafka.refused["events"] = MESSAGE
        for _ in range(6):
            worker.step()
    assert worker.streams.stopped == {"events": MESSAGE}
    assert world.ids(2) == list(range(40))
    world.kafka.refused.clear()
    for _ in range(400):
        worker.step()
    assert world.ids(1) == list(range(40))
    assert worker.streams.stopped == {}


def test_a_partition_without_a_leader_blocks_no_other() -> None:
    world = World([events(), entities()])
    world.send("events", *things(5))
    world.send("events", *things(5, 5), partition=1)
    world.send("entities", *things(5))
    world.kafka.leaderless.add(P1)
    assert "events/1 has no leader" in world.run().stopped["events"]
    assert world.ids(1) == [0, 1, 2, 3, 4]
    assert world.ids(2) == [0, 1, 2, 3, 4]
    world.kafka.leaderless.clear()
    assert world.run().stopped == {}
    assert world.ids(1) == list(range(10))


@pytest.mark.parametrize("lacking", ["missing", "refused"])
def test_a_bounded_run_with_nothing_to_read_exits(lacking: str) -> None:
    world = World([events()])
    if lacking == "missing":
        del world.kafka.topics["events"]
    else:
        world.kafka.refused["events"] = MESSAGE
    for limits in (RunLimits(until_idle=True), RunLimits(max_records=5)):
        assert list(world.worker(limits=limits).run().stopped) == ["events"]


@pytest.mark.parametrize(
    ("message", "cut", "end"),
    [
        ("Partition log truncation detected at offset 9 (leader epoch 0): broker end offset is 5 (offset", True, 5),
        (
            "No epoch found: broker end offset is -1 (…): Local: Partition log truncation detected (broker 1)",
            True,
            None,
        ),
        ("PARTITION LOG TRUNCATION DETECTED, in other words", True, None),
        ("fetch failed due to requested offset not available on the broker: Broker: Offset out of range", False, None),
        ("", False, None),
    ],
)
def test_the_clients_message_on_a_truncation_is_parsed(message: str, cut: bool, end: int | None) -> None:
    assert (is_truncation(message), truncation_end(message)) == (cut, end)
