"""Topics that are denied, deleted, renamed or recreated: what is reported, and for how long."""

from collections.abc import Callable, Collection

import pytest

from apps.ingest import metrics
from apps.ingest.core.errors import TopicRecreated
from apps.ingest.core.records import OffsetRanges, TopicPartition, TopicStates
from apps.ingest.services.recreation import RecreationCheck
from apps.ingest.services.run_limits import RunLimits
from apps.ingest.services.topic_watch import WatchedTopics
from apps.ingest.services.worker import Worker
from apps.telemetry import prometheus
from tests.documents import document
from tests.unit.ingest.test_kafka_log import MESSAGE, P0, P1, next_offsets
from tests.unit.ingest.world import EVENTS, World, applied, entities, events, things


def stopped_gauge(name: str) -> float:
    return float(prometheus.gauge(metrics.STOPPED).labels(name)._value.get())


def refuse(world: World) -> None:
    world.kafka.refused["events"] = MESSAGE


def make_again(world: World) -> None:
    world.kafka.make("events", 2)


def delete(world: World) -> None:
    del world.kafka.topics["events"]


def drop(world: World, _worker: Worker) -> None:
    del world.datasets[0]


def rename(world: World, _worker: Worker) -> None:
    world.kafka.make("later")
    world.datasets[0] = applied(1, document("events", EVENTS, physical_name="later", mode="append"), version=2)


def take_over(world: World, worker: Worker) -> None:
    """Another worker reads the partitions from now on."""
    world.kafka.refused.clear()
    worker.on_revoke([P0, P1])
    states = world.kafka.states(["entities"])
    worker.streams.learn_topics(WatchedTopics(states, states), now_s=0)


@pytest.mark.parametrize("end", [drop, rename, take_over])
@pytest.mark.parametrize("begin", [refuse, make_again, delete])
def test_a_source_that_is_no_longer_stopped_is_not_exported_as_stopped(
    begin: Callable[[World], None], end: Callable[[World, Worker], None]
) -> None:
    world = World([events(), entities()])
    world.send("events", *things(5))
    worker = world.worker(limits=RunLimits())
    for _ in range(5):
        worker.step()
    begin(world)
    for _ in range(80):
        worker.step()
    assert stopped_gauge("events") >= 1
    assert "events" in worker.streams.stopped
    assert all(source.last_error for source in world.tables.sources if source.key.topic == "events")
    end(world, worker)
    for _ in range(0 if end is take_over else 80):
        worker.step()
    assert stopped_gauge("events") == 0
    assert worker.streams.stopped == {}
    if end is rename:
        assert {source.last_error for source in world.tables.sources} == {""}


def test_a_recreated_and_refilled_topic_gives_the_old_position_no_record() -> None:
    world = World([events()])
    world.send("events", *things(10))
    worker = world.worker(limits=RunLimits(), refresh_s=float("inf"))
    for _ in range(5):
        worker.step()
    make_again(world)
    world.send("events", *things(30, 100))
    world.clock.seconds += 0.5  # no client switches to the other topic sooner
    for _ in range(5):
        worker.step()
    assert "created again" in worker.streams.stopped["events"]
    assert world.ids() == list(range(10))
    assert next_offsets(world) == [10, 0]
    assert {source.key.topic_id for source in world.tables.sources} == {"life-0"}


@pytest.mark.parametrize("when", ["from the start", "in full flow"])
def test_a_missing_topic_is_reported_and_read_once_it_exists(when: str) -> None:
    world = World([events(), entities()])
    worker = world.worker(limits=RunLimits())
    if when == "in full flow":
        world.send("events", *things(5))
        for _ in range(5):
            worker.step()
    del world.kafka.topics["events"]
    world.send("entities", *things(5))
    for _ in range(80):
        worker.step()
    line = "Kafka has no topic events: create it with `manage.py topics ensure`"
    assert worker.streams.stopped == {"events": line}
    assert world.ids(2) == [0, 1, 2, 3, 4]
    assert {one.last_error for one in world.tables.sources if one.key.topic == "events"} == {line}
    assert stopped_gauge("events") == (0 if when == "from the start" else 1)
    world.kafka.make("events", 2)
    world.send("events", *things(3, 50))
    for _ in range(80):
        worker.step()
    if when == "from the start":
        assert world.ids() == [50, 51, 52]
        assert {source.last_error for source in world.tables.sources} == {""}
    else:
        assert world.ids() == [0, 1, 2, 3, 4]
        assert "created again" in worker.streams.stopped["events"]


def test_topics_are_checked_together_after_an_idle_period_only_and_not_during_an_outage() -> None:
    world = World([events(), entities()])
    world.send("events", *things(3))
    world.send("entities", *things(3))
    worker = world.worker(limits=RunLimits())
    for _ in range(5):
        worker.step()
    asked: list[set[str]] = []

    class Asked:
        def states(self, names: Collection[str]) -> TopicStates:
            asked.append(set(names))
            return world.kafka.states(names)

        def offsets(self, partitions: Collection[TopicPartition]) -> OffsetRanges:
            return world.kafka.offsets(partitions)

    check, other = RecreationCheck(Asked(), worker.streams), TopicPartition("entities", 0)
    both = {"events", "entities"}
    assert check.verdicts([P0], now_s=100) == []
    assert check.verdicts([P0, other], now_s=100.2) == []
    assert check.verdicts([P0, other], now_s=100.4) == []
    assert check.verdicts([P0, other], now_s=100.6) == []
    assert asked == [both]
    make_again(world)
    ((first, verdict), (second, _)) = check.verdicts([other], now_s=101)
    assert ({first.topic_partition, second.topic_partition}, type(verdict)) == ({P0, P1}, TopicRecreated)
    world.kafka.away = "away"
    assert check.verdicts([P0], now_s=102) == check.verdicts([P0], now_s=103) == []
    world.kafka.away = ""
    assert check.verdicts([P0], now_s=111) == []
    assert len(check.verdicts([P0], now_s=113)) == 2
    assert asked == [both] * 4
