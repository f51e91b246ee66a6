"""Producers that run throughout: a steady rate for each topic, and transactions."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from confluent_kafka import KafkaException, Producer

from tests.chaos import content
from tests.chaos.content import Content
from tests.chaos.installation import NotPossible
from tests.chaos.journal import Journal, Place, digest
from tests.chaos.plans import Plan

TICK_S: Final = 0.02
QUIET_S: Final = 30.0
CLIENT: Final = {
    "acks": "all",
    "linger.ms": 5,
    "message.max.bytes": 20_000_000,
    "message.timeout.ms": 120_000,
    "topic.metadata.refresh.interval.ms": 1_000,
    "log_level": 0,
}
ABORTED: Final = 0.25
"""Share of the transactions that end with an abort."""

Spoiler = Callable[[int, random.Random], Content | None]


class Load:
    """Sends each topic's records in one thread, and notes what Kafka acknowledges."""

    def __init__(self, bootstrap: str, plans: dict[str, Plan], journal: Journal, *, seed: int, scale: float) -> None:
        self._plans = {topic: plan for topic, plan in plans.items() if plan.uses != "transactions"}
        self._journal = journal
        self._scale = scale
        self.chance = random.Random(seed)  # noqa: S311 - repeatable, no secret
        self._producer = Producer({**CLIENT, "bootstrap.servers": bootstrap})
        self._lock = threading.RLock()
        self._in_flight: Counter[str] = Counter()
        self._quiet: Counter[str] = Counter()
        self._spoilers: dict[str, Spoiler] = {}
        self.added: dict[str, list[str]] = {}
        """Properties that records of a topic have in addition."""
        self.partitions = {topic: plan.partitions for topic, plan in plans.items()}
        self.failed = 0
        self._number = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load")

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def stop(self) -> None:
        """Stop sending, and wait for the last acknowledgement."""
        self._over.set()
        self._thread.join()
        self._producer.flush(QUIET_S)

    @contextmanager
    def quiet(self, topic: str) -> Iterator[None]:
        """Send nothing to the topic in this block, and wait until all that was sent is acknowledged.

        Raises NotPossible: Kafka does not answer.
        """
        with self._lock:
            self._quiet[topic] += 1
        try:
            deadline_s = time.monotonic() + QUIET_S
            while self._in_flight[topic]:
                if time.monotonic() > deadline_s:
                    raise NotPossible(f"Kafka does not acknowledge the records of {topic}")
                time.sleep(0.02)
            yield
        finally:
            with self._lock:
                self._quiet[topic] -= 1

    @contextmanager
    def spoiled(self, topic: str, spoiler: Spoiler) -> Iterator[None]:
        """Send what the spoiler returns instead of a good record, unless it returns None."""
        self._spoilers[topic] = spoiler
        try:
            yield
        finally:
            del self._spoilers[topic]

    def send(self, plan: Plan, make: Callable[[int], Content]) -> None:
        """Send one more record of the topic."""
        with self._lock:
            self._number += 1
            self._produce(plan, *make(self._number))

    def flush(self) -> None:
        """Wait for acknowledgements. Raises NotPossible: Kafka does not answer."""
        if self._producer.flush(QUIET_S):
            raise NotPossible("Kafka does not acknowledge the records")

    def _run(self) -> None:
        due: dict[str, float] = dict.fromkeys(self._plans, 0.0)
        last_s = time.monotonic()
        while not self._over.wait(TICK_S):
            now_s = time.monotonic()
            with self._lock:
                for topic, plan in self._plans.items():
                    due[topic] = min(due[topic] + (now_s - last_s) * plan.rate * self._scale, plan.rate)
                    while due[topic] >= 1:
                        due[topic] -= 1
                        if not self._quiet[topic]:
                            self._one(plan)
                last_s = now_s
            self._producer.poll(0)

    def _one(self, plan: Plan) -> None:
        self._number += 1
        spoiler = self._spoilers.get(plan.topic)
        found = spoiler(self._number, self.chance) if spoiler else None
        added = self.added.get(plan.topic, ())
        self._produce(plan, *(found or content.good(plan, self._number, self.chance, added=added)))

    def _produce(self, plan: Plan, key: bytes | None, value: bytes | None) -> None:
        topic = plan.topic
        behind_ms = self.chance.randrange(20_000) if plan.upsert and self.chance.random() < 0.1 else 0

        def delivered(error: Any, message: Any) -> None:
            if error is None:
                self._journal.acknowledge(topic, (message.partition(), message.offset()), key, value)
            else:
                self.failed += 1
            with self._lock:
                self._in_flight[topic] -= 1

        try:
            self._producer.produce(
                topic,
                value,
                key,
                partition=self.chance.randrange(self.partitions[topic]),
                timestamp=int(time.time() * 1000) - behind_ms,
                headers=[("number", b"%d" % self._number)],
                on_delivery=delivered,
            )
        except (BufferError, KafkaException):
            self.failed += 1
            return
        self._in_flight[topic] += 1


class TransactionalLoad:
    """Sends one topic's records in transactions, some of them aborted."""

    def __init__(self, bootstrap: str, plan: Plan, journal: Journal, *, seed: int, scale: float) -> None:
        self._plan = plan
        self._journal = journal
        self._rate = plan.rate * scale
        self._chance = random.Random(seed + 1)  # noqa: S311 - repeatable, no secret
        self._config: dict[str, Any] = {
            **CLIENT,
            "bootstrap.servers": bootstrap,
            "transactional.id": f"chaos-{plan.topic}",
            "transaction.timeout.ms": 60_000,
            "message.timeout.ms": 50_000,
        }
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="transactions")
        self._number = 0
        self._unacknowledged = 0
        self.failed = 0

    def start(self) -> None:
        """Start sending."""
        self._thread.start()

    def stop(self) -> None:
        """End the open transaction and stop."""
        self._over.set()
        self._thread.join()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """No transaction is open in this block. Raises NotPossible: the open one does not end."""
        if not self._lock.acquire(timeout=QUIET_S):
            raise NotPossible("the open transaction does not end")
        try:
            yield
        finally:
            self._lock.release()

    def _run(self) -> None:
        producer = None
        while not self._over.is_set():
            with self._lock:
                try:
                    if producer is None:
                        producer = Producer(self._config)
                        producer.init_transactions(30)
                    self._transact(producer)
                except KafkaException:
                    self.failed += 1
                    producer = self._survivor(producer)
            self._over.wait(0.05)
        if producer is not None:
            with suppress(KafkaException):
                producer.flush(10)

    def _survivor(self, producer: Producer | None) -> Producer | None:
        """The producer after an error, if it can abort the transaction; its outcome is unknown otherwise."""
        if producer is None:
            return None
        try:
            producer.abort_transaction(20)
        except KafkaException:
            return None
        return producer

    def _transact(self, producer: Producer) -> None:
        count = self._chance.randint(5, 40)
        places: dict[Place, bytes] = {}
        abort = self._chance.random() < ABORTED
        producer.begin_transaction()
        for _ in range(count):
            self._number += 1
            key, value = content.good(self._plan, self._number, self._chance)

            def delivered(error: Any, message: Any, key: bytes | None = key, value: bytes | None = value) -> None:
                if error is None:
                    places[message.partition(), message.offset()] = digest(key, value)

            partition = self._chance.randrange(self._plan.partitions)
            producer.produce(self._plan.topic, value, key, partition=partition, on_delivery=delivered)
            producer.poll(1 / self._rate)
        producer.flush(30)
        if abort:
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)
        self._journal.conclude(self._plan.topic, places, committed=not abort)
