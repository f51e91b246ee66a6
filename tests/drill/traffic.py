"""Sends the records of the feeds at their rates, until stopped."""

import json
import random
import threading
import time
from typing import Any, Final

from confluent_kafka import Producer

from tests.drill.content import Feed, Load

FATE: Final = "fate"
"""The name of the header with what must become of the record."""
TICK_S: Final = 0.05


class Traffic:
    """A producer in a thread, at this share of the feeds' rates."""

    def __init__(self, bootstrap: str, feeds: tuple[Feed, ...], share: float) -> None:
        # The broker stops before the producer, which would print that.
        quiet = {"log_level": 0}
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "enable.idempotence": True} | quiet)
        self._feeds = feeds
        self._share = share
        self._numbers = dict.fromkeys((feed.name for feed in feeds), 0)
        self._chance = random.Random(13)  # noqa: S311 - reproducible
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic")
        self._refused: list[str] = []
        self.new_columns: dict[str, dict[str, Any]] = {}
        """Members that the good records of a dataset get in addition."""
        self.acknowledged = 0

    def start(self) -> None:
        self._thread.start()

    def add(self, feed: Feed) -> None:
        """Send records of this feed, too."""
        self._numbers[feed.name] = 0
        self._feeds = (*self._feeds, feed)

    def stop(self) -> None:
        """Send no more records."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(60)

    def finish(self) -> None:
        """Stop, and wait for every acknowledgement. Raises RuntimeError: a record was not acknowledged."""
        self.stop()
        left = self._producer.flush(60)
        if left or self._refused:
            raise RuntimeError(f"{left} records not acknowledged, and refused: {self._refused[:3]}")

    def _run(self) -> None:
        started = time.monotonic()
        while not self._stop.wait(TICK_S):
            elapsed = time.monotonic() - started
            started += elapsed
            credit = min(elapsed, 1.0)
            for feed in self._feeds:
                for _ in range(max(1, round(feed.per_second * self._share * credit))):
                    self._send(feed)
            self._producer.poll(0)

    def _send(self, feed: Feed) -> None:
        number = self._numbers[feed.name]
        self._numbers[feed.name] += 1
        partition = self._chance.randrange(feed.partitions)
        for load in feed.make(self._chance, number):
            partition = partition if load.after else self._chance.randrange(feed.partitions)
            self._producer.produce(
                feed.topic,
                self._value(feed, load),
                load.key,
                partition=partition,
                timestamp=int(time.time() * 1000) - load.age_ms,
                headers={FATE: load.fate.encode()},
                on_delivery=self._delivered,
            )

    def _value(self, feed: Feed, load: Load) -> bytes | None:
        more = self.new_columns.get(feed.name)
        if more is None or load.value is None or load.fate != "row":
            return load.value
        return json.dumps({**json.loads(load.value), **more}).encode()

    def _delivered(self, error: object, _: object) -> None:
        if error:
            self._refused.append(str(error))
        else:
            self.acknowledged += 1
