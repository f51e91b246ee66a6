"""Crash test: workers are killed and frozen while records arrive; each record becomes a row exactly once."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer

from apps.datasets.core.contract.contract import TopicSpec
from apps.ingest.adapters.kafka_client import client_config
from apps.ingest.adapters.kafka_topic_admin import KafkaTopicAdmin
from apps.ingest.conf import KafkaSettings
from embedded.kafka import EmbeddedKafka
from tests.documents import document, prop
from tests.station import Station

pytestmark = pytest.mark.acceptance

ROOT = Path(__file__).resolve().parents[3]
PARTITIONS = 2
KILLS = 10


@dataclass
class Flow:
    """Sends numbered records to the partitions at a fixed rate until stopped, and remembers where."""

    bootstrap: str
    topic: str
    sent: dict[tuple[int, int], int] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5, "enable.idempotence": True})
        number = 0

        def delivered(error: Any, message: Any) -> None:
            assert error is None
            value = msgspec.json.decode(message.value())
            self.sent[message.partition(), message.offset()] = value["id"]

        while not self._stop.wait(0.02):
            for _ in range(40):
                value = msgspec.json.encode({"id": number, "name": "x" * 50})
                producer.produce(self.topic, value, partition=number % PARTITIONS, on_delivery=delivered)
                number += 1
            producer.poll(0)
        assert producer.flush(30) == 0

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(60)


@dataclass
class Crash:
    """The dataset under test, its record flow, and its workers."""

    station: Station
    flow: Flow
    bootstrap: str
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def worker(self, *arguments: str, **settings: object) -> subprocess.Popen[bytes]:
        return self._started(["manage.py", "ingest", "crash", *arguments], settings)

    def program(self, text: str) -> subprocess.Popen[bytes]:
        return self._started(["-c", text], {}, stderr=subprocess.PIPE)

    def _started(
        self, arguments: list[str], settings: dict[str, object], stderr: int | None = None
    ) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ANDEN_SECRET_KEY": "0123456789" * 5,
            "ANDEN_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "ANDEN_KAFKA_SESSION_TIMEOUT_MS": "1000",
            "ANDEN_KAFKA_GROUP_ID": self.flow.topic,
            **{f"ANDEN_INGEST_{name.upper()}": str(value) for name, value in settings.items()},
        }
        process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stderr=stderr)
        self.processes.append(process)
        return process

    def one(self, query: str) -> Any:
        return self.station.query(query)[0][0]

    def stored(self) -> int:
        return int(self.one("SELECT coalesce(sum(rows), 0) FROM datasets_batch"))

    def rows(self) -> dict[tuple[int, int], int]:
        found = self.station.query(
            "SELECT s.partition, t._offset, t.id FROM data.crash t JOIN ingest_source s ON s.id = t._source"
        )
        assert len({row[:2] for row in found}) == len(found)
        return {(partition, offset): number for partition, offset, number in found}


@pytest.fixture
def crash(station: Station, kafka_server: EmbeddedKafka) -> Iterator[Crash]:
    topic = f"crash-{uuid.uuid4()}"
    properties = [prop("id", "integer", required=True), prop("name")]
    station.apply(document("crash", properties, physical_name=topic, mode="append"))
    topics = KafkaTopicAdmin(client_config(KafkaSettings(bootstrap_servers=kafka_server.bootstrap)))
    topics.make(topic, TopicSpec(partitions=PARTITIONS), replication_factor=1)
    crash = Crash(station, Flow(kafka_server.bootstrap, topic), kafka_server.bootstrap)
    yield crash
    crash.flow.stop()
    for process in crash.processes:
        process.kill()
        process.wait()


def wait_for(true: Callable[[], bool], what: str) -> None:
    pause = threading.Event()
    for _ in range(1_200):
        if true():
            return
        pause.wait(0.05)
    raise AssertionError(f"a minute passed without {what}")


def test_a_worker_killed_at_ten_random_moments_loses_and_repeats_nothing(crash: Crash) -> None:
    crash.flow.start()
    chance = random.SystemRandom()
    pause = threading.Event()
    for _ in range(KILLS):
        before = crash.stored()
        worker = crash.worker(batch_rows=300, chunk_records=50)
        wait_for(lambda start=before: crash.stored() > start, "a committed batch")  # type: ignore[misc]
        pause.wait(chance.uniform(0, 0.7))
        worker.send_signal(signal.SIGKILL)
        assert worker.wait(30) == -signal.SIGKILL
    crash.flow.stop()
    assert crash.worker("--until-idle").wait(120) == 0
    assert crash.rows() == crash.flow.sent
    assert crash.one("SELECT min(epoch) FROM ingest_source") > KILLS


def test_a_worker_frozen_inside_copy_is_replaced_and_cannot_commit_when_it_wakes(crash: Crash) -> None:
    crash.flow.start()
    frozen = crash.worker(batch_rows=1_000_000, batch_wait_s=60, chunk_records=50)
    copying = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY data.%'"
    wait_for(lambda: crash.one(copying) == 1, "an open COPY")
    wait_for(lambda: len(crash.flow.sent) > 4_000, "records")
    frozen.send_signal(signal.SIGSTOP)
    assert crash.one(copying) == 1
    assert crash.stored() == 0
    successor = crash.worker()
    wait_for(lambda: crash.stored() > 4_000, "the successor's batches")
    frozen.send_signal(signal.SIGCONT)
    crash.flow.stop()
    wait_for(lambda: crash.stored() == len(crash.flow.sent), "the last record")
    successor.send_signal(signal.SIGTERM)
    assert successor.wait(30) == 0
    # The watchdog kills a worker on waking if it was frozen beyond the limit.
    frozen.send_signal(signal.SIGTERM)
    assert frozen.wait(30) in {0, 1}
    assert crash.rows() == crash.flow.sent
    assert crash.one("SELECT count(*) FROM ingest_source WHERE owner <> ''") == 0


def test_a_worker_whose_postgres_is_frozen_exits_within_ten_seconds(crash: Crash) -> None:
    crash.flow.start()
    worker = crash.worker(batch_rows=1_000_000, batch_wait_s=60, chunk_records=50)
    copying = "FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY data.%'"
    wait_for(lambda: crash.one(f"SELECT count(*) {copying}") == 1, "an open COPY")
    backend = crash.one(f"SELECT pid {copying}")
    os.kill(backend, signal.SIGSTOP)
    try:
        worker.send_signal(signal.SIGTERM)
        asked_s = time.monotonic()
        assert worker.wait(30) == 1
        assert time.monotonic() - asked_s < 10
    finally:
        os.kill(backend, signal.SIGCONT)
    crash.flow.stop()
    assert crash.worker("--until-idle").wait(120) == 0
    assert crash.rows() == crash.flow.sent


HANGS = """
import re, sys
import django
sys.path[:0] = [".", "platform"]
django.setup()
from django.core.management import call_command
from apps.ingest.adapters.watchdog import Watchdog
from apps.ingest.core.decoding import Decoder
Watchdog.__init__.__kwdefaults__["limit_s"] = 3.0
decode = Decoder.decode

def hang(self, records, **how):
    for record in records:
        if b"poison" in record.value():
            re.match(r"^(\\w+\\s?)*$", "a" * 60 + "!")
    return decode(self, records, **how)

Decoder.decode = hang
call_command("ingest", "--until-idle")
"""


def test_a_record_that_blocks_the_interpreter_is_quarantined_by_the_successors(crash: Crash) -> None:
    neighbour = f"{crash.flow.topic}-neighbour"
    properties = [prop("id", "integer", required=True), prop("name")]
    crash.station.apply(document("neighbour", properties, physical_name=neighbour, mode="append"))
    topics = KafkaTopicAdmin(client_config(KafkaSettings(bootstrap_servers=crash.bootstrap)))
    topics.make(neighbour, TopicSpec(), replication_factor=1)
    producer = Producer({"bootstrap.servers": crash.bootstrap})
    for number in range(600):
        value = {"id": number, "name": "poison" if number == 444 else "fine"}
        producer.produce(crash.flow.topic, msgspec.json.encode(value), partition=0)
        producer.produce(neighbour, msgspec.json.encode({"id": number, "name": "fine"}), partition=0)
    assert producer.flush(30) == 0
    ended: list[bytes] = []
    while len(ended) < 6:
        worker = crash.program(HANGS)
        _, output = worker.communicate(timeout=120)
        if worker.returncode == 0:
            break
        ended.append(output)
    assert len(ended) == 4
    assert all(b"in hang" in output for output in ended)
    stored = crash.station.query("SELECT id FROM data.crash ORDER BY 1")
    assert stored == [(number,) for number in range(600) if number != 444]
    assert crash.one("SELECT count(*) FROM data.neighbour") == 600
    (reject,) = crash.station.query('SELECT "offset", reason, value FROM ingest_quarantine')
    assert (reject[0], reject[1]) == (444, "unreadable")
    assert b"poison" in reject[2]
