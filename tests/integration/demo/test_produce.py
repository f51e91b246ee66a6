"""`manage.py demo produce` on a real broker: killed, resumed, disturbed."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from apps.ingest.demo.nycflights import TABLES, read_table
from apps.ingest.demo.plan import planned_records
from apps.ingest.demo.topic import TopicView
from embedded.kafka import EmbeddedKafka

MANAGE = Path(__file__).parents[3] / "manage.py"
BY_NAME = {table.name: table for table in TABLES}
NOWHERE = "127.0.0.1:1"

Sent = list[tuple[bytes | None, bytes | None]]


def make_topic(broker: EmbeddedKafka, name: str, partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    admin.create_topics([NewTopic(name, partitions, 1)])[name].result()


@contextmanager
def started(bootstrap: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A run of the command, killed at the end of the block."""
    with subprocess.Popen(
        [sys.executable, MANAGE, "demo", "produce", *arguments],
        env={
            **os.environ,
            "ANDEN_KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def run(bootstrap: str, *arguments: str) -> tuple[int, list[str]]:
    """The exit code and output lines of a complete run."""
    with started(bootstrap, *arguments) as process:
        out, err = process.communicate(timeout=90)
    return process.returncode, [*out.splitlines(), *err.splitlines()]


def contents(broker: EmbeddedKafka, topic: str, partitions: int) -> list[Sent]:
    """Key and value of every record by partition, in order; checks the offsets."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "check", "enable.partition.eof": True})
    found: list[Sent] = [[] for _ in range(partitions)]
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    ended: set[int] = set()
    while len(ended) < partitions:
        for message in consumer.consume(5000, timeout=1):
            partition = message.partition()
            assert partition is not None
            if message.error():
                ended.add(partition)
                continue
            assert message.offset() == len(found[partition])
            found[partition].append((message.key(), message.value()))
    consumer.close()
    return found


def expected(dataset: str, partitions: int) -> list[Sent]:
    records = read_table(BY_NAME[dataset])
    found: list[Sent] = [[] for _ in range(partitions)]
    for slot in planned_records(records, partitions):
        found[slot.partition].append((slot.key, records.value(slot.row)))
    return found


def end_offsets(broker: EmbeddedKafka, topic: str, partitions: int) -> int:
    view = TopicView({"bootstrap.servers": broker.bootstrap})
    try:
        return sum(view.ends(topic, partitions))
    finally:
        view.close()


def wait_for_more(
    broker: EmbeddedKafka, topic: str, partitions: int, process: subprocess.Popen[str], *, than: int = 0
) -> None:
    while end_offsets(broker, topic, partitions) <= than:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def intrude(broker: EmbeddedKafka, topic: str) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    producer.produce(topic, value=b"{}", key=b"XX", partition=0)
    producer.flush()


def test_a_run_killed_at_random_moments_and_restarted_sends_each_record_once_in_order(
    broker: EmbeddedKafka,
) -> None:
    make_topic(broker, "weather", 3)
    before = -1
    for _ in range(3):
        with started(broker.bootstrap, "--dataset", "weather", "--rate", "4000") as process:
            wait_for_more(broker, "weather", 3, process, than=max(before, 0))
            time.sleep(random.uniform(0, 0.6))  # noqa: S311 - no secret
        held = end_offsets(broker, "weather", 3)
        assert before < held < 26_115, "the kill came too late to test anything"
        before = held
    code, lines = run(broker.bootstrap, "--dataset", "weather", "--rate", "0")
    assert code == 0, lines
    assert lines[-1].startswith("demo: done, all 26,115 records are in Kafka (")
    assert contents(broker, "weather", 3) == expected("weather", 3)


def test_a_stopped_run_flushes_and_the_next_resumes(broker: EmbeddedKafka) -> None:
    make_topic(broker, "planes", 2)
    with started(broker.bootstrap, "--dataset", "planes", "--rate", "500") as process:
        wait_for_more(broker, "planes", 2, process)
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "the next run resumes there" in out.splitlines()[-1]
    code, lines = run(broker.bootstrap, "--dataset", "planes", "--rate", "0")
    assert code == 0, lines
    assert contents(broker, "planes", 2) == expected("planes", 2)
    code, lines = run(broker.bootstrap, "--dataset", "planes")
    assert (code, lines[-1]) == (0, "demo: nothing to send, all 3,322 records are in Kafka already")


def test_foreign_records_stop_the_demo_with_one_line(broker: EmbeddedKafka) -> None:
    make_topic(broker, "airlines", 1)
    intrude(broker, "airlines")
    code, lines = run(broker.bootstrap, "--dataset", "airlines")
    assert code == 1
    assert len(lines) == 1
    assert "topic airlines, partition 0 holds records that the demo did not send, seen at offset 0" in lines[0]


def test_another_producer_on_the_topic_is_detected(broker: EmbeddedKafka) -> None:
    make_topic(broker, "flights", 1)
    with started(broker.bootstrap, "--dataset", "flights", "--rate", "2000") as process:
        wait_for_more(broker, "flights", 1, process)
        intrude(broker, "flights")
        out, err = process.communicate(timeout=20)
    assert process.returncode == 1, out
    assert "another producer writes there" in err
    assert err.count("\n") == 1


def test_a_missing_topic_is_reported_in_one_line(broker: EmbeddedKafka) -> None:
    code, lines = run(broker.bootstrap, "--dataset", "airports")
    assert code == 1
    assert lines == [f"CommandError: Kafka at {broker.bootstrap} has no topic airports: run manage.py topics ensure"]


def test_an_unavailable_broker_is_reported_in_one_line_with_its_host() -> None:
    code, lines = run(NOWHERE, "--dataset", "airports")
    assert code == 1
    assert len(lines) == 1
    assert NOWHERE in lines[0]
    assert "ANDEN_KAFKA_BOOTSTRAP_SERVERS" in lines[0]


def test_an_invalid_rate_is_refused() -> None:
    code, lines = run(NOWHERE, "--rate", "fast")
    assert code != 0
    assert "a number of records per second" in lines[-1]
