"""Faults at topics: growth, recreation, truncation, retention, open transactions, rights."""

import random
import time
import uuid
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AclOperation, NewPartitions, OffsetSpec

from tests.chaos import content
from tests.chaos.installation import NotPossible, retry
from tests.chaos.journal import digest
from tests.chaos.load import CLIENT
from tests.chaos.plans import Plan
from tests.chaos.topic_log import topic_read
from tests.chaos.world import Causing, NotProven, World
from tests.kafkas import Rights, truncate_log

MOST_PARTITIONS: Final = 8
READ_S: Final = 45.0
STOPPED_S: Final = 90.0
SENT: Final = 40
SINGLE: Final = 5
"""Records sent one by one, because a log can be truncated only between the producer's batches."""


def partition_added(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """The topic grows by a partition."""
    count = world.load.partitions[plan.topic] + 1
    if count > MOST_PARTITIONS:
        raise NotPossible(f"{plan.topic} has {MOST_PARTITIONS} partitions")
    admin = world.installation.admin
    with suppress(KafkaException):  # a repetition may find the partition made
        admin.create_partitions([NewPartitions(plan.topic, count)], request_timeout=20)[plan.topic].result(30)

    def grown() -> bool:
        return len(retry(lambda: admin.list_topics(plan.topic, timeout=10)).topics[plan.topic].partitions) == count

    world.until(grown, f"partition {count} of {plan.topic}", for_s=30, error=NotProven)
    world.load.partitions[plan.topic] = count
    yield


def topic_replaced(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """The topic is deleted and created again; the dataset stops until somebody accepts it."""
    installation, topic = world.installation, plan.topic
    with world.load.quiet(topic):
        world.journal.current(topic).keep(retry(lambda: topic_read(installation.bootstrap, topic)))
        former = world.journal.current(topic).topic_id
        installation.admin.delete_topics([topic], operation_timeout=20)[topic].result(30)
        world.until(lambda: not _exists(world, topic), f"deletion of {topic}", for_s=30, error=NotProven)
        topic_id = installation.topic_make(topic, world.load.partitions[topic])
        if topic_id == former:
            raise NotProven(f"{topic} has the same id")
        world.journal.begin(topic, topic_id)
    yield
    try:
        world.until(
            lambda: "created again" in world.last_errors(plan),
            f"stop of {plan.name}",
            for_s=STOPPED_S,
            error=NotProven,
        )
    finally:
        world.accept(plan)


def log_truncated(world: World, plan: Plan, chance: random.Random) -> Causing:
    """Kafka restarts with less of the log than was read, and writes on; the dataset stops until accepted."""
    installation, topic = world.installation, plan.topic
    with world.load.quiet(topic):
        for _ in range(SINGLE):
            world.load.send(plan, lambda number: content.good(plan, number, chance))
            world.load.flush()
        logs = world.until_read(plan, for_s=READ_S)
        world.journal.current(topic).keep(logs)
        topic_id, end = world.journal.current(topic).topic_id, logs[0].end
        source_id, read = world.positions(plan, topic_id)[0]
        cut = end - chance.randint(1, SINGLE)
        installation.start_server(lambda: truncate_log(installation.kafka, topic, cut))
        cut = retry(lambda: topic_read(installation.bootstrap, topic))[0].end
        if cut >= read:
            raise NotProven(f"the log of {topic} ends at {cut}, {read} were read")
        former = world.journal.current(topic)
        world.journal.begin(topic, topic_id)
        for _ in range(2 * SENT):
            world.load.send(plan, lambda number: content.good(plan, number, chance))
        with suppress(NotPossible):  # they arrive later
            world.load.flush()
    yield
    try:
        world.until(
            lambda: "was cut" in world.last_errors(plan), f"stop of {plan.name}", for_s=STOPPED_S, error=NotProven
        )
    finally:
        world.accept(plan)
        current, _ = world.positions(plan, topic_id)[0]
        if current != source_id:
            world.journal.closed[source_id] = former
            world.journal.starts[current] = cut


def retention(world: World, plan: Plan, _chance: random.Random) -> Causing:
    """Kafka deletes everything that was read, transaction markers included."""
    installation, topic = world.installation, plan.topic
    with world.transactions.quiet():
        logs = world.until_read(plan, for_s=READ_S)
        world.journal.current(topic).keep(logs)
        admin = installation.fresh_admin()
        ends: Any = [TopicPartition(topic, number, log.end) for number, log in logs.items()]
        for future in admin.delete_records(ends, request_timeout=20).values():
            future.result(30)
        places: Any = {TopicPartition(topic, number): OffsetSpec.earliest() for number in logs}
        firsts: Any = admin.list_offsets(places, request_timeout=20)  # type: ignore[call-arg]
        for place, future in firsts.items():
            if future.result(30).offset != logs[place.partition].end:
                raise NotProven(f"{topic}/{place.partition} still begins at {future.result().offset}")
    yield
    error = world.last_errors(plan)
    if "no longer has it" in error:
        raise AssertionError(f"{plan.name} stopped although it had read everything: {error}")


def open_transaction(world: World, plan: Plan, chance: random.Random) -> Causing:
    """A transaction stays open, so that no consumer may read what follows it in its partition."""
    producer = Producer(
        {
            **CLIENT,
            "bootstrap.servers": world.installation.bootstrap,
            "transactional.id": f"open-{uuid.uuid4()}",
            "transaction.timeout.ms": 60_000,
            "message.timeout.ms": 50_000,
        }
    )
    key, value = content.good(plan, 0, chance)
    places = {}

    def delivered(error: Any, message: Any) -> None:
        if error is None:
            places[message.partition(), message.offset()] = digest(key, value)

    try:
        producer.init_transactions(20)
        producer.begin_transaction()
        producer.produce(plan.topic, value, key, partition=0, on_delivery=delivered)
        producer.flush(20)
    except KafkaException as error:
        raise NotPossible(f"no transaction can be opened: {error}") from error
    if not places:
        raise NotPossible("Kafka did not acknowledge the open transaction's record")
    committed = chance.random() < 0.5
    yield
    try:
        producer.commit_transaction(20) if committed else producer.abort_transaction(20)
    except KafkaException as error:
        raise NotProven(f"the transaction's end is unknown: {error}") from error
    world.journal.conclude(plan.topic, places, committed=committed)


def topic_denied(world: World, plan: Plan, chance: random.Random) -> Causing:
    """Kafka denies everybody the right to describe or to read the topic, and grants it again."""
    rights = Rights(world.installation.bootstrap)
    line = f"{plan.name} is stopped: the topic {plan.topic} is refused"
    before, describe = world.logged(line), chance.random() < 0.5
    with world.load.quiet(plan.topic):
        try:
            if not describe:
                rights.allow(plan.topic, AclOperation.DESCRIBE)
            rights.deny(plan.topic, AclOperation.DESCRIBE if describe else AclOperation.READ)
            yield
            world.until(lambda: world.logged(line) > before, line, for_s=STOPPED_S, error=NotProven)
        finally:
            _grant(world, plan.topic)


def _grant(world: World, topic: str) -> None:
    """Delete the ACLs, however long Kafka is away."""
    deadline_s = time.monotonic() + 120
    while True:
        try:
            Rights(world.installation.bootstrap).forget(topic)
            topic_read(world.installation.bootstrap, topic)
        except Exception:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.5)
        else:
            return


def _exists(world: World, topic: str) -> bool:
    found = retry(lambda: world.installation.admin.list_topics(topic, timeout=10)).topics[topic]
    return found.error is None
