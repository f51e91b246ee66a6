"""A producer that keeps pace with a worker: short runs of records, to one place after another."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final

from confluent_kafka import Producer

from bench.pace import Pace
from bench.topics import OutgoingRecord, flush, produce, producer_make

RUN: Final = 50
"""Records in a row for one place, and the size of the producer's batches: all streams cost Kafka the same.

With a fifth of it, Kafka's processor time for each batch would limit every stream on two cores.
"""

AHEAD: Final = 20_000
"""How many records the producer is ahead of the worker."""

LINGER_MS: Final = 5
WAIT_S: Final = 0.0005


@dataclass(frozen=True, slots=True)
class RoundRobin:
    """The places that a stream's records go to in turn: topics with partitions."""

    places: Sequence[tuple[str, int]]
    values: Sequence[bytes]

    def runs(self) -> "Runs":
        """Endless runs of records; one iterator per stream."""
        return Runs(self)


class Runs:
    """Yields runs of records for the places in turn, with the values in turn."""

    def __init__(self, stream: RoundRobin) -> None:
        self._places, self._values = cycle(stream.places), cycle(stream.values)

    def __iter__(self) -> "Runs":
        return self

    def __next__(self) -> list[OutgoingRecord]:
        topic, partition = next(self._places)
        return [OutgoingRecord(topic, partition, value) for value in islice(self._values, RUN)]


def fill_in_turns(bootstrap: str, stream: RoundRobin, count: int) -> int:
    """Send at least so many records as a backlog; return how many."""
    sent, producer = 0, producer_make(bootstrap)
    for run in stream.runs():
        if sent >= count:
            break
        sent += _send(producer, run)
    flush(producer)
    return sent


def send_at_pace(bootstrap: str, stream: RoundRobin, pace: Pace, ended: Callable[[], bool]) -> int:
    """Send records while the worker reads them, `AHEAD` of it, until it ends; return how many.

    The worker has begun when the pace is no longer 0.
    """
    producer = producer_make(bootstrap, linger_ms=LINGER_MS, batch_num_messages=RUN, enable_idempotence=False)
    while not pace.records:
        if ended():
            return 0
        time.sleep(WAIT_S)
    sent, before = 0, pace.records
    for run in stream.runs():
        while sent - (pace.records - before) >= AHEAD and not ended():
            producer.poll(WAIT_S)
        if ended():
            break
        sent += _send(producer, run)
    flush(producer)
    return sent


def _send(producer: Producer, run: Sequence[OutgoingRecord]) -> int:
    for record in run:
        produce(producer, record)
    return len(run)
