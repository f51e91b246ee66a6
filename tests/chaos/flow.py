"""How records flow: every dataset's positions, sampled while faults happen."""

import threading
import time
from collections.abc import Collection
from itertools import pairwise
from typing import Any, Final, NamedTuple

import psycopg

from tests.chaos.installation import Installation

EVERY_S: Final = 0.2
BEFORE_S: Final = 5.0
POSITIONS: Final = """
SELECT d.name, sum(s.next_offset)::bigint FROM ingest_source s JOIN datasets_dataset d ON d.id = s.dataset_id
GROUP BY d.name
"""


class Sample(NamedTuple):
    """The sum of each dataset's positions at a time."""

    at_s: float
    positions: dict[str, int]


class FlowMonitor:
    """Samples positions in a thread."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flow")
        self.samples: list[Sample] = []

    def __enter__(self) -> "FlowMonitor":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with self._installation.connect() as connection:
                    self._sample(connection)
            except psycopg.Error:
                self._over.wait(EVERY_S)

    def _sample(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute("SET statement_timeout = '2s'")
        while not self._over.wait(EVERY_S):
            found = dict(connection.execute(POSITIONS).fetchall())
            self.samples.append(Sample(time.monotonic(), found))


def moved(samples: Collection[Sample], names: Collection[str] | None) -> list[tuple[float, int]]:
    """The times at which a dataset of these names had moved, and by how many offsets; None for every dataset."""
    found = []
    last: dict[str, int] = {}
    for sample in samples:
        count = sum(
            max(position - last.get(name, position), 0)
            for name, position in sample.positions.items()
            if names is None or name in names
        )
        last = sample.positions
        if count:
            found.append((sample.at_s, count))
    return found


def longest_pause_s(moves: Collection[tuple[float, int]], began_s: float, ended_s: float) -> float | None:
    """The longest time between two moves that overlaps [began, ended]; None if they have not moved again since."""
    times = [at_s for at_s, _ in moves]
    before = max((at_s for at_s in times if at_s <= began_s), default=began_s)
    after = min((at_s for at_s in times if at_s > ended_s), default=None)
    if after is None:
        return None
    during = [before, *(at_s for at_s in times if began_s < at_s <= ended_s), after]
    return max(second - first for first, second in pairwise(during))


def again_s(moves: Collection[tuple[float, int]], since_s: float) -> float | None:
    """Seconds from `since_s` to the next move; None if nothing moves again."""
    after = min((at_s for at_s, _ in moves if at_s > since_s), default=None)
    return None if after is None else after - since_s


def rate(moves: Collection[tuple[float, int]], began_s: float, ended_s: float) -> float:
    """Offsets per second between the two times."""
    return sum(count for at_s, count in moves if began_s < at_s <= ended_s) / max(ended_s - began_s, EVERY_S)
