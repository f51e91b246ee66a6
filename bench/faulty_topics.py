"""Ways to make a topic faulty: its records, its ACLs, its leader, its log."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bench.servers import Servers

EACH: Final = 200
"""One in this many records of the faulty dataset is faulty."""

BLOCKS: Final = 60
TOPIC_RECORDS: Final = BLOCKS * EACH
IN_TRANSACTION: Final = 100
HEALTHY: Final = b'{"id":%d,"name":"a healthy record"}'
MARKED: Final = b'{"id":-1,"name":"faulty"}'
"""A record at which a patched worker fails."""


@dataclass(frozen=True, slots=True)
class RecordMix:
    """A dataset's records: a template for healthy ones, and the faulty ones in turn, with these headers.

    `raw` sends the possibly faulty record without the client library, on both sides, because that is slower.
    """

    healthy: bytes = HEALTHY
    faulty: Sequence[bytes] = ()
    headers: Sequence[tuple[bytes, bytes]] = ()
    raw: bool = False


def topic_make(bootstrap: str, topic: str) -> None:
    """Create a topic with one partition."""
    from confluent_kafka.admin import AdminClient, NewTopic  # noqa: PLC0415 - only where servers are

    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 3})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)


def send(bootstrap: str, topic: str, value: Callable[[int], bytes], count: int) -> None:
    """Produce `count` records."""
    from confluent_kafka import Producer  # noqa: PLC0415 - only where servers are

    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, "log_level": 3})
    for number in range(count):
        while True:
            try:
                producer.produce(topic, value(number), partition=0)
                break
            except BufferError:
                producer.poll(0.1)
    if producer.flush(60):
        raise TimeoutError("Kafka did not take the records within a minute")


def send_mixed(bootstrap: str, topic: str, mix: "RecordMix", *, pause_s: float = 0.0) -> None:
    """Produce the faulty dataset's records in blocks with pauses; the last record of each is faulty."""
    from tests.raw_records import raw_send  # noqa: PLC0415 - after the path

    for block in range(BLOCKS):
        values = [mix.healthy % (block * EACH + number) for number in range(EACH)]
        if mix.faulty:
            values[-1] = mix.faulty[block % len(mix.faulty)]
        last = [values.pop()] if mix.raw else []
        send(bootstrap, topic, values.__getitem__, len(values))
        for value in last:
            raw_send(bootstrap, topic, value, mix.headers)
        time.sleep(pause_s)


def one_marked(servers: "Servers", topic: str) -> None:
    """Fill the topic with records, one of them marked."""
    topic_make(servers.kafka.bootstrap, topic)
    send(
        servers.kafka.bootstrap,
        topic,
        lambda number: MARKED if number == TOPIC_RECORDS // 2 else HEALTHY % number,
        TOPIC_RECORDS,
    )


def marks_at_the_end(servers: "Servers", topic: str) -> None:
    """Fill the topic with records, then with transactions, the last of them aborted."""
    topic_make(servers.kafka.bootstrap, topic)
    send(servers.kafka.bootstrap, topic, lambda number: HEALTHY % number, TOPIC_RECORDS)
    _transact(servers, topic, [True, False] * 5)


def aborted_alone(servers: "Servers", topic: str) -> None:
    """Fill the topic only with aborted transactions."""
    topic_make(servers.kafka.bootstrap, topic)
    _transact(servers, topic, [False] * (TOPIC_RECORDS // IN_TRANSACTION))


def _transact(servers: "Servers", topic: str, commits: Sequence[bool]) -> None:
    from confluent_kafka import Producer  # noqa: PLC0415 - only where servers are

    producer = Producer({"bootstrap.servers": servers.kafka.bootstrap, "transactional.id": topic, "log_level": 3})
    producer.init_transactions(30)
    for commit in commits:
        producer.begin_transaction()
        for number in range(IN_TRANSACTION):
            producer.produce(topic, HEALTHY % number, partition=0)
        producer.flush(30)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)


def is_at_the_end(servers: "Servers", dataset: str) -> None:
    """Raise unless the dataset's position is at the topic's end, with fewer rows than offsets."""
    import psycopg  # noqa: PLC0415 - only where servers are
    from confluent_kafka import Consumer, TopicPartition  # noqa: PLC0415

    consumer = Consumer({"bootstrap.servers": servers.kafka.bootstrap, "group.id": "bench-ends"})
    _, end = consumer.get_watermark_offsets(TopicPartition(dataset, 0), timeout=30)
    consumer.close()
    with psycopg.connect(servers.postgres.admin_url, dbname="anden") as connection:
        row = connection.execute(
            "SELECT s.next_offset, (SELECT coalesce(sum(b.rows), 0) FROM datasets_batch b WHERE b.dataset_id = d.id) "
            "FROM ingest_source s JOIN datasets_dataset d ON d.id = s.dataset_id WHERE d.name = %s",
            (dataset,),
        ).fetchone()
    if row is None or row[0] != end or row[1] >= end:
        raise RuntimeError(f"{dataset} has its position and rows at {row}, and its topic ends at {end}")


def later_contract(servers: "Servers", dataset: str) -> None:
    """Change the stored contract to one of a later version of Andén."""
    import psycopg  # noqa: PLC0415 - only where servers are

    url = servers.postgres.urls()["ANDEN_DATABASE_OWNER_URL"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE datasets_contractversion v SET document = replace(document, '\"integer\"', '\"later\"') "
            "FROM datasets_dataset d WHERE d.id = v.dataset_id AND d.name = %s",
            (dataset,),
        )


def deny_describe(servers: "Servers", topic: str) -> None:
    """Deny everyone the right to describe the topic."""
    from confluent_kafka.admin import AclOperation  # noqa: PLC0415 - only where servers are

    from tests.kafkas import Rights  # noqa: PLC0415

    Rights(servers.kafka.bootstrap).deny(topic, AclOperation.DESCRIBE)


def deny_read(servers: "Servers", topic: str) -> None:
    """Let everyone describe the topic, but no one read it."""
    from confluent_kafka.admin import AclOperation  # noqa: PLC0415 - only where servers are

    from tests.kafkas import Rights  # noqa: PLC0415

    rights = Rights(servers.kafka.bootstrap)
    rights.allow(topic, AclOperation.DESCRIBE)
    rights.deny(topic, AclOperation.READ)


def leaderless(servers: "Servers", topic: str) -> None:
    """Fill the topic on a second broker, and stop that broker."""
    from tests.kafkas import SecondBroker, make_on  # noqa: PLC0415 - after the path

    with TemporaryDirectory(prefix="anden-bench-") as folder, SecondBroker(Path(folder), servers.kafka) as second:
        make_on(second.bootstrap, topic, 2)
        send(second.bootstrap, topic, lambda number: HEALTHY % number, TOPIC_RECORDS)


def second_broker(servers: "Servers", _topic: str) -> None:
    """Start a second broker, and stop it."""
    from tests.kafkas import SecondBroker  # noqa: PLC0415 - after the path

    with TemporaryDirectory(prefix="anden-bench-") as folder, SecondBroker(Path(folder), servers.kafka):
        pass


def cut(servers: "Servers", dataset: str) -> None:
    """Ingest the dataset, truncate its log to nothing, and produce more records than it had."""
    from tests.kafkas import truncate_log  # noqa: PLC0415 - after the path

    environment = {**os.environ, "ANDEN_KAFKA_GROUP_ID": f"bench-before-{dataset}"}
    command = [sys.executable, "manage.py", "ingest", "--until-idle", dataset]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    truncate_log(servers.kafka, dataset, 0)
    send(servers.kafka.bootstrap, dataset, lambda number: HEALTHY % number, TOPIC_RECORDS * 2)


def restart(servers: "Servers", _topic: str) -> None:
    """Restart Kafka, so that its JIT compiler is as cold as after a truncation."""
    servers.kafka.stop()
    servers.kafka.start()
