"""When to close a batch, and how many records to poll at a time."""

from dataclasses import dataclass
from typing import Final

FIRST_CHUNK: Final = 256
GROWTH: Final = 4


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """The limits of a batch; reaching any of them closes it.

    Small chunks keep caches warm and let PostgreSQL work in parallel with the client: see chunk_records.
    """

    rows: int = 40_000
    bytes: int = 16 * 1024 * 1024
    wait_s: float = 0.5
    chunk_records: int = 2_000
    chunk_bytes: int = 4 * 1024 * 1024
    poll_s: float = 0.05

    def is_full(self, *, rows: int, size_bytes: int, age_s: float) -> bool:
        """Whether to close a batch of this size and age."""
        return rows >= self.rows or size_bytes >= self.bytes or age_s >= self.wait_s


class ChunkSize:
    """How many records to poll: as many as fill `chunk_bytes` at the mean size of the last chunk.

    Starts small, so that the first poll of a topic with large records cannot exhaust memory.
    """

    def __init__(self, policy: BatchPolicy) -> None:
        self._policy = policy
        self.records = min(FIRST_CHUNK, policy.chunk_records)

    def learn(self, *, records: int, size_bytes: int) -> None:
        """Adapt to a chunk of this many records and bytes."""
        if records == 0:
            return
        mean = max(1, size_bytes // records)
        wanted = min(self._policy.chunk_bytes // mean, self.records * GROWTH, self._policy.chunk_records)
        self.records = max(1, wanted)
