"""Two databases in one consumer group would each get only some records: the newcomer is refused."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import StringIO
from typing import Literal

import pytest
from confluent_kafka import Consumer
from confluent_kafka.admin import AclOperation, ResourceType
from django.core.management import CommandError, call_command
from django.db import connections

from apps.ingest.adapters.kafka_client import client_config, consumer_config
from apps.ingest.adapters.kafka_group import KafkaGroup
from apps.ingest.conf import KafkaSettings
from apps.ingest.core.errors import GroupShared
from apps.ingest.selectors import database_identity
from apps.ingest.services.membership import Membership
from apps.ingest.services.run_limits import RunLimits
from tests.integration.ingest.conftest import Line
from tests.kafkas import AUTHORIZER, Rights, kafka_with
from tests.unit.ingest.world import EVENTS, things

Until = Callable[[Callable[[], bool]], None]
OTHER = "7000000000000000001-5"


def stored(line: Line) -> int:
    return int(line.query("SELECT count(*) FROM data.things")[0][0])


def clients(line: Line) -> list[str]:
    group = KafkaGroup(client_config(line.settings), line.group)
    return sorted(member.client_id for member in group.members())


def member(line: Line, client_id: str, until: Until) -> Consumer:
    """A consumer of this name that has joined the line's group."""
    consumer = Consumer(consumer_config(line.settings) | {"client.id": client_id})
    consumer.subscribe([line.topic])

    def joined() -> bool:
        consumer.consume(1, 0.1)
        return client_id in clients(line)

    until(joined)
    return consumer


def test_the_workers_role_may_read_its_databases_identity(line: Line) -> None:
    server, number = database_identity().split("-")
    rows = line.query("SELECT system_identifier FROM pg_control_system()")
    assert [(int(server),)] == rows
    assert int(number) > 0


def test_a_newcomer_with_another_database_is_refused_before_it_takes_a_partition(
    line: Line, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.apply(EVENTS, mode="append")
    line.make(4)
    line.start()
    line.send(*things(10))
    until(lambda: stored(line) == 10)
    own = f"anden-{database_identity()}"
    assert clients(line) == [own]
    monkeypatch.setattr("apps.ingest.services.worker_factory.database_identity", lambda: OTHER)
    with pytest.raises(CommandError, match="ANDEN_KAFKA_GROUP_ID") as refused:
        call_command("ingest", stdout=StringIO())
    assert f"consumer group {line.group}: {own} at 127.0.0.1" in str(refused.value)
    assert f"this one is anden-{OTHER}" in str(refused.value)
    assert clients(line) == [own]
    line.send(*things(10, 10), partition=3)
    until(lambda: stored(line) == 20)


def test_an_older_worker_and_other_programs_are_tolerated(line: Line, until: Until) -> None:
    line.apply(EVENTS, mode="append")
    line.make(2)
    older = member(line, "anden", until)
    line.start()
    until(lambda: f"anden-{database_identity()}" in clients(line))
    older.close()
    line.send(*things(10))
    until(lambda: stored(line) == 10)


@contextmanager
def stranger(line: Line, until: Until, strategy: str) -> Iterator[None]:
    """Another program in the line's group, with this assignment strategy."""
    consumer = Consumer(
        {"bootstrap.servers": line.kafka.bootstrap, "group.id": line.group, "partition.assignment.strategy": strategy}
    )
    consumer.subscribe([line.topic])
    leave = threading.Event()

    def poll() -> None:
        while not leave.is_set():
            consumer.consume(10, 0.1)

    thread = threading.Thread(target=poll)
    thread.start()
    try:
        until(lambda: clients(line) == ["rdkafka"])
        yield
    finally:
        leave.set()
        thread.join()
        consumer.close()


def test_other_programs_in_the_group_are_named(line: Line, until: Until, caplog: pytest.LogCaptureFixture) -> None:
    line.apply(EVENTS, mode="append")
    line.make(2)
    line.send(*things(10))
    line.send(*things(10, 10), partition=1)
    with stranger(line, until, "cooperative-sticky"):
        line.run()
        assert stored(line) == 10
    assert f"other programs are in the consumer group {line.group}: rdkafka at 127.0.0.1" in caplog.text
    with stranger(line, until, "range"), pytest.raises(CommandError, match="set ANDEN_KAFKA_GROUP_ID"):
        call_command("ingest", until_idle=True, stdout=StringIO())
    line.run()
    assert stored(line) == 20


def test_workers_of_one_database_share_their_group(line: Line, until: Until) -> None:
    line.apply(EVENTS, mode="append")
    line.make(2)
    line.start()
    line.start()
    until(lambda: clients(line) == [f"anden-{database_identity()}"] * 2)
    line.send(*things(10))
    until(lambda: stored(line) == 10)
    assert all(thread.is_alive() for _, thread in line.threads)


def test_the_first_worker_logs_the_conflict_and_finally_leaves(
    line: Line, until: Until, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("apps.ingest.services.membership.WATCH_S", 0.2)
    monkeypatch.setattr("apps.ingest.services.membership.PATIENCE_S", 1.0)
    line.apply(EVENTS, mode="append")
    line.make(2)
    line.send(*things(10))
    worker = line.worker(limits=RunLimits())

    def run() -> str:
        try:
            worker.run()
        except GroupShared as error:
            return str(error)
        finally:
            connections.close_all()
        return "it left in peace"

    with ThreadPoolExecutor(1) as pool:
        output = pool.submit(run)
        until(lambda: stored(line) == 10)
        rival = member(line, f"anden-{OTHER}", until)
        why = output.result(60)
        rival.close()
    assert f"anden-{OTHER} at 127.0.0.1" in why
    assert why in [record.message for record in caplog.records]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_either_protocol_lists_the_members_of_a_group(
    line: Line, protocol: Literal["classic", "consumer"], until: Until
) -> None:
    line.make()
    settings = KafkaSettings(bootstrap_servers=line.kafka.bootstrap, group_id=line.group, group_protocol=protocol)
    group = KafkaGroup(client_config(settings), line.group)
    assert list(group.members()) == []
    consumer = Consumer(consumer_config(settings) | {"client.id": f"anden-{OTHER}"})
    consumer.subscribe([line.topic])

    def joined() -> bool:
        consumer.consume(1, 0.1)
        return [one.client_id for one in group.members()] == [f"anden-{OTHER}"]

    until(joined)
    consumer.close()


def test_a_group_that_may_not_be_described_is_not_treated_as_empty(caplog: pytest.LogCaptureFixture) -> None:
    with kafka_with(AUTHORIZER) as kafka:
        rights = Rights(kafka.bootstrap)
        rights.deny("closed", AclOperation.DESCRIBE, ResourceType.GROUP)
        group = KafkaGroup(client_config(KafkaSettings(bootstrap_servers=kafka.bootstrap)), "closed")
        membership = Membership(group, group_id="closed", database=lambda: OTHER)
        membership.enter()
        membership.confirm()
    assert "cannot check the consumer group closed for workers of another database" in caplog.text
