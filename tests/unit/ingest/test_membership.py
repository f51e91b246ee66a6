"""A consumer group serves one database: which workers are refused, tolerated or checked again."""

import logging

import pytest

from apps.ingest.core.errors import BrokerRefused, BrokerUnavailable, GroupShared
from apps.ingest.core.records import GroupMember
from apps.ingest.services.membership import PATIENCE_S, WATCH_S, Membership
from apps.ingest.services.run_limits import RunLimits
from tests.unit.ingest.world import World, events, things


class Group:
    """A group of these clients, or one that raises."""

    def __init__(self, *clients: str) -> None:
        self.clients = list(clients)
        self.error: Exception | None = None

    def members(self) -> list[GroupMember]:
        if self.error:
            raise self.error
        return [GroupMember(client, "/10.0.0.7") for client in self.clients]


def membership(group: Group, database: str = "1-1") -> Membership:
    return Membership(group, group_id="anden", database=lambda: database)


@pytest.mark.parametrize("clients", [[], ["anden"], ["anden-1-1"], ["rdkafka", "console-consumer"], ["andenes-2"]])
def test_clients_of_no_other_database_are_tolerated(clients: list[str]) -> None:
    one = membership(Group(*clients))
    one.enter()
    one.confirm()
    one.watch(0)


@pytest.mark.parametrize("client", ["anden-2-1", "anden-1-2", "anden-1-11"])
def test_another_database_is_refused_by_client_id_and_host(client: str) -> None:
    one = membership(Group("anden-1-1", client))
    with pytest.raises(GroupShared, match=rf"{client} at 10\.0\.0\.7; this one is anden-1-1.*ANDEN_KAFKA_GROUP_ID"):
        one.enter()


def test_two_workers_that_join_simultaneously_both_leave_before_they_read() -> None:
    group = Group()
    one, two = membership(group, "1-1"), membership(group, "2-1")
    one.enter()
    two.enter()
    group.clients = [one.client_id, two.client_id]
    for both in (one, two):
        with pytest.raises(GroupShared):
            both.confirm()


def test_the_first_worker_continues_for_a_while_and_logs_it_once(caplog: pytest.LogCaptureFixture) -> None:
    group = Group("anden-1-1")
    one = membership(group)
    one.confirm()
    group.clients.append("anden-2-1")
    one.watch(100)
    one.watch(100 + WATCH_S)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    group.clients.pop()
    one.watch(100 + 2 * WATCH_S)
    group.clients.append("anden-2-1")
    one.watch(1_000)
    one.watch(1_000 + PATIENCE_S - 1)
    with pytest.raises(GroupShared):
        one.watch(1_000 + PATIENCE_S + WATCH_S)


def test_a_group_that_may_not_be_described_is_logged_once_and_read(caplog: pytest.LogCaptureFixture) -> None:
    group = Group()
    group.error = BrokerRefused("Kafka refused: GROUP_AUTHORIZATION_FAILED")
    one = membership(group)
    one.enter()
    one.confirm()
    one.watch(0)
    assert caplog.text.count("grant Andén's Kafka user Describe on the group") == 1


def test_other_programs_in_the_group_are_named_once(caplog: pytest.LogCaptureFixture) -> None:
    group = Group("anden", "anden-1-1")
    one = membership(group)
    one.confirm()
    one.watch(0)
    assert caplog.text == ""
    group.clients += ["rdkafka", "consumer-anden-7", ""]
    for now_s in (100, 200, 300):
        one.watch(now_s)
    assert caplog.text.count("other programs are in the consumer group anden:  at 10.0.0.7, consumer-anden-7 at") == 1
    group.clients[2:] = ["connect-1"]
    one.watch(400)
    assert "connect-1 at 10.0.0.7" in caplog.text


def test_an_unavailable_broker_delays_the_start_and_matters_no_more_later() -> None:
    group = Group()
    group.error = BrokerUnavailable("away")
    one = membership(group)
    with pytest.raises(BrokerUnavailable):
        one.enter()
    group.error = None
    one.confirm()
    group.error = BrokerUnavailable("away")
    one.watch(0)


def test_a_replaced_database_stops_the_worker() -> None:
    database = ["1-1"]
    one = Membership(Group(), group_id="anden", database=lambda: database[0])
    one.confirm()
    database[0] = "2-1"
    with pytest.raises(GroupShared, match="its database is now anden-2-1: restart it"):
        one.watch(0)


def test_a_database_without_identity_conflicts_with_no_worker(caplog: pytest.LogCaptureFixture) -> None:
    unknown = membership(Group("anden-1-1"), "")
    assert unknown.client_id == "anden"
    membership(Group(unknown.client_id), "2-1").confirm()
    assert "pg_control_system" not in caplog.text
    alone = membership(Group("anden"), "")
    alone.enter()
    alone.confirm()
    alone.confirm()
    assert caplog.text.count("EXECUTE on pg_control_system()") == 1


def test_a_newcomer_of_another_database_takes_no_partition() -> None:
    world = World([events()])
    world.send("events", *things(10))
    first = world.worker(limits=RunLimits())
    for _ in range(5):
        first.step()
    laptop = World([events()], kafka=world.kafka, database="2-1")
    with pytest.raises(GroupShared):
        laptop.run()
    assert laptop.tables.rows[1] == {}
    world.send("events", *things(10, 10), partition=1)
    for _ in range(5):
        first.step()
    assert world.ids() == list(range(20))
