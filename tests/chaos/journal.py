"""What was sent and acknowledged, and which logs a topic has had: deleted, truncated and current."""

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.chaos.topic_log import PartitionLog, SentRecord

Place = tuple[int, int]
"""Partition and offset."""

DIGEST_BYTES: Final = 12


def digest(key: bytes | None, value: bytes | None) -> bytes:
    """A short digest of a record's content."""
    found = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for part in (key, value):
        found.update(b"\0" if part is None else b"\1" + part)
    return found.digest()


@dataclass(slots=True)
class Generation:
    """One log of a topic, from its creation or truncation to the next one.

    `kept` holds records that were read before Kafka was made to lose them; `acknowledged` the digests of what Kafka
    acknowledged, `aborted` the places of records in aborted transactions.
    """

    topic_id: str
    kept: dict[int, dict[int, SentRecord]] = field(default_factory=lambda: defaultdict(dict))
    acknowledged: dict[Place, bytes] = field(default_factory=dict)
    aborted: set[Place] = field(default_factory=set)

    def keep(self, logs: Mapping[int, PartitionLog]) -> None:
        """Keep these records, because Kafka is about to lose them."""
        for number, log in logs.items():
            self.kept[number].update(log.records)


class Journal:
    """What every producer sent, by topic and generation. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.generations: dict[str, list[Generation]] = defaultdict(list)
        self.closed: dict[int, Generation] = {}
        """The generation of each position that `topics accept` closed, by the position's id."""
        self.starts: dict[int, int] = {}
        """The first offset of positions that `topics accept` opened elsewhere than at the log's beginning."""
        self.accepted: dict[tuple[int, int], int] = {}
        """Ranges that retention took and that were given up: (source id, first offset) → offset after the last."""

    def begin(self, topic: str, topic_id: str) -> Generation:
        """Start a generation of the topic."""
        with self._lock:
            self.generations[topic].append(Generation(topic_id))
            return self.generations[topic][-1]

    def current(self, topic: str) -> Generation:
        """The topic's current generation."""
        return self.generations[topic][-1]

    def acknowledge(self, topic: str, place: Place, key: bytes | None, value: bytes | None) -> None:
        """Note a record that Kafka has acknowledged outside any transaction."""
        with self._lock:
            self.current(topic).acknowledged[place] = digest(key, value)

    def conclude(self, topic: str, places: Mapping[Place, bytes], *, committed: bool) -> None:
        """Note the end of a transaction with these records."""
        with self._lock:
            if committed:
                self.current(topic).acknowledged.update(places)
            else:
                self.current(topic).aborted.update(places)

    @property
    def count(self) -> int:
        """Number of acknowledged records."""
        return sum(len(one.acknowledged) for of in self.generations.values() for one in of)

    def write(self, path: Path) -> None:
        """Write the acknowledged and aborted places, one JSON array a line."""
        with path.open("w") as file:
            for topic, generations in self.generations.items():
                for number, one in enumerate(generations):
                    for place, content in one.acknowledged.items():
                        file.write(json.dumps([topic, number, one.topic_id, *place, content.hex()]) + "\n")
                    for place in sorted(one.aborted):
                        file.write(json.dumps([topic, number, one.topic_id, *place, "aborted"]) + "\n")
