"""A topic that is refused or has no leader stops only its own dataset."""

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from io import StringIO
from pathlib import Path

import pytest
from confluent_kafka.admin import AclOperation, ResourceType
from django.conf import settings
from django.core.management import CommandError, call_command

from apps.datasets.core.contract.contract import TopicSpec
from apps.ingest.core.errors import BrokerRefused
from apps.ingest.core.records import TopicPartition
from embedded.kafka import EmbeddedKafka
from tests.documents import document
from tests.integration.ingest.conftest import Line
from tests.kafkas import AUTHORIZER, Rights, SecondBroker, kafka_with, make_on
from tests.station import Station
from tests.unit.ingest.world import EVENTS, things

Until = Callable[[Callable[[], bool]], None]


class Pair:
    """Two datasets with a topic each: the line's, and a sick one."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.sick = f"{line.topic}-sick"
        line.apply(EVENTS, mode="append")
        line.station.apply(document("sick", EVENTS, physical_name=self.sick, mode="append"))

    def make(self) -> None:
        for topic in (self.line.topic, self.sick):
            self.line.topics.make(topic, TopicSpec(partitions=1), replication_factor=1)

    def send(self, count: int, start: int = 0) -> None:
        """Send to the healthy topic."""
        self.line.send(*things(count, start))

    def send_sick(self, count: int, start: int = 0) -> None:
        healthy, self.line.topic = self.line.topic, self.sick
        self.line.send(*things(count, start))
        self.line.topic = healthy

    def ids(self, dataset: str) -> list[int]:
        return [row[0] for row in self.line.query(f"SELECT id FROM data.{dataset} ORDER BY id")]

    def errors(self) -> dict[str, str]:
        rows = self.line.query(
            "SELECT d.name, max(s.last_error) FROM ingest_source s JOIN datasets_dataset d ON d.id = s.dataset_id "
            "GROUP BY d.name"
        )
        return dict(rows)


@pytest.fixture(scope="module")
def guarded() -> Iterator[EmbeddedKafka]:
    with kafka_with(AUTHORIZER | {"group.max.session.timeout.ms": "20000"}) as kafka:
        yield kafka


@pytest.fixture
def pair(station: Station, guarded: EmbeddedKafka, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    line = Line(station, guarded)
    monkeypatch.setattr(settings, "KAFKA", line.settings)
    yield Pair(line)
    line.stop()


def take_away(rights: Rights, topic: str, how: str) -> None:
    if how == "read":
        rights.allow(topic, AclOperation.DESCRIBE)
    rights.deny(topic, AclOperation.READ if how != "describe" else AclOperation.DESCRIBE)


@pytest.mark.parametrize("how", ["describe", "read", "all"])
def test_a_denied_topic_fails_a_bounded_run_after_all_others_are_read(pair: Pair, how: str) -> None:
    pair.make()
    pair.send(10)
    pair.send_sick(5)
    rights = Rights(pair.line.kafka.bootstrap)
    take_away(rights, pair.sick, how)
    with pytest.raises(CommandError, match=rf"sick is stopped: the topic {pair.sick} is refused"):
        call_command("ingest", until_idle=True, stdout=StringIO())
    assert pair.ids("things") == list(range(10))
    assert "Describe and Read" in pair.errors()["sick"]
    output = StringIO()
    with nullcontext() if how == "read" else pytest.raises(CommandError, match="cannot measure sick: the topic"):
        call_command("lag", "--once", stdout=output)
    assert "things: 0 records behind" in output.getvalue()
    # Describe suffices for lag and for `topics ensure`.
    assert bool(re.search(r"^sick: +5 records behind", output.getvalue(), re.MULTILINE)) == (how == "read")
    with nullcontext() if how == "read" else pytest.raises(CommandError, match="is refused"):
        call_command("topics", "ensure", stdout=output)
    assert f"{pair.line.topic}: exists" in output.getvalue()
    assert (f"{pair.sick}: exists" in output.getvalue()) == (how == "read")
    with pytest.raises(CommandError, match="is refused"):
        call_command("topics", "accept", "sick")
    rights.forget(pair.sick)
    assert pair.line.run().stopped == {}
    assert pair.ids("sick") == list(range(5))
    assert pair.errors() == {"sick": "", "things": ""}
    assert pair.line.query("SELECT count(*) FROM ingest_source") == [(2,)]


@pytest.mark.parametrize("how", ["describe", "read", "all"])
def test_a_permission_revoked_while_reading_stops_one_dataset_until_it_returns(
    pair: Pair, how: str, until: Until
) -> None:
    pair.make()
    pair.send(10)
    pair.send_sick(5)
    worker = pair.line.start()
    until(lambda: len(pair.ids("things")) == 10 and len(pair.ids("sick")) == 5)
    rights = Rights(pair.line.kafka.bootstrap)
    take_away(rights, pair.sick, how)
    until(lambda: "is refused" in pair.errors()["sick"])
    pair.send(10, 10)
    until(lambda: len(pair.ids("things")) == 20)
    assert "is refused" in worker.streams.stopped["sick"]
    assert pair.ids("sick") == list(range(5))
    rights.forget(pair.sick)
    pair.send_sick(5, 5)
    until(lambda: len(pair.ids("sick")) == 10)
    until(lambda: pair.errors() == {"sick": "", "things": ""})
    assert worker.streams.stopped == {}
    assert pair.line.threads[0][1].is_alive()


@pytest.mark.parametrize("name", ["no such name!", "..", "n" * 250])
def test_an_invalid_topic_name_does_not_affect_other_topics(pair: Pair, name: str) -> None:
    pair.line.make()
    seen = pair.line.topics.states([name, pair.line.topic, f"{pair.line.topic}-missing"])
    assert list(seen.found) == [pair.line.topic]
    assert list(seen.refused) == [name]
    assert "correct physicalName" in seen.refused[name]


def test_a_missing_partition_does_not_affect_others(pair: Pair) -> None:
    pair.line.make()
    there, nowhere = TopicPartition(pair.line.topic, 0), TopicPartition(pair.line.topic, 7)
    lost = TopicPartition(f"{pair.line.topic}-missing", 0)
    ranges = pair.line.topics.offsets([there, nowhere, lost])
    assert ranges.found == {there: (0, 0, 0)}
    assert ranges.errors.keys() == {nowhere, lost}


def test_a_missing_topic_fails_a_bounded_run_after_all_others_are_read(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    pair.line.make()
    pair.send(4)
    with pytest.raises(CommandError, match=rf"sick is stopped: Kafka has no topic {pair.sick}"):
        call_command("ingest", until_idle=True, stdout=StringIO())
    assert pair.ids("things") == [0, 1, 2, 3]
    output = StringIO()
    call_command("lag", "--once", stdout=output)
    assert f"sick:   Kafka has no topic {pair.sick}" in output.getvalue()
    exporter = pair.line.exporter
    for now_s in (1.0, 2.0):
        exporter.export(now_s=now_s)
    assert caplog.text.count(f"cannot measure the lag of sick: Kafka has no topic {pair.sick}") == 1


def test_a_denied_group_is_an_error_of_the_process(pair: Pair) -> None:
    pair.make()
    pair.send(1)
    Rights(pair.line.kafka.bootstrap).deny(pair.line.group, AclOperation.READ, ResourceType.GROUP)
    with pytest.raises(BrokerRefused, match="Read on the group in ANDEN_KAFKA_GROUP_ID"):
        pair.line.run()


def test_a_session_timeout_that_the_brokers_reject_is_named(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.make()
    monkeypatch.setattr(settings, "KAFKA", pair.line.settings.model_copy(update={"session_timeout_ms": 30_000}))
    with pytest.raises(CommandError, match="fix ANDEN_KAFKA_SESSION_TIMEOUT_MS"):
        call_command("ingest", until_idle=True, stdout=StringIO())


def test_a_partition_without_a_leader_stops_its_dataset_until_a_broker_returns(
    pair: Pair, until: Until, tmp_path: Path
) -> None:
    # Topics created before the second broker joins are on the first: this one, and the group's.
    pair.line.make()
    pair.line.run("things")
    second = SecondBroker(tmp_path / "second", pair.line.kafka)
    with second:
        make_on(second.bootstrap, pair.sick, 2)
        pair.send(10)
        pair.send_sick(5)
        assert pair.line.run(batch_rows=2).stopped == {}
        pair.send_sick(5, 5)
        second.stop()
        pair.send(10, 10)
        until(lambda: bool(pair.line.topics.states([pair.sick]).found[pair.sick].leaderless))
        with pytest.raises(CommandError, match=r"sick is stopped: .*has no leader"):
            call_command("ingest", until_idle=True, stdout=StringIO())
        assert pair.ids("things") == list(range(20))
        output = StringIO()
        with pytest.raises(CommandError, match=r"cannot measure sick: .*has no leader"):
            call_command("lag", "--once", stdout=output)
        assert "things: 0 records behind" in output.getvalue()
        pair.line.start()
        until(lambda: "has no leader" in pair.errors()["sick"])
        pair.send(10, 20)
        until(lambda: len(pair.ids("things")) == 30)
        second.start()
        until(lambda: len(pair.ids("sick")) == 10)
        until(lambda: pair.errors() == {"sick": "", "things": ""})
        pair.line.stop()
