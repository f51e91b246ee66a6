"""When a batch is full, and how many records to ask for at a time."""

from dataclasses import dataclass
from typing import Final

FIRST_CHUNK: Final = 256
GROWTH: Final = 4


@dataclass(frozen=True, slots=True)
class BatchPolicy:
    """The bounds of a batch; one of them reached closes it.

    Small reads keep caches warm and let the server work beside the client: see chunk_records.
    """

    rows: int = 40_000
    bytes: int = 16 * 1024 * 1024
    wait_s: float = 0.5
    chunk_records: int = 2_000
    chunk_bytes: int = 4 * 1024 * 1024
    poll_s: float = 0.05

    def is_full(self, *, rows: int, size_bytes: int, age_s: float) -> bool:
        """Whether a batch of this size and age is closed now."""
        return rows >= self.rows or size_bytes >= self.bytes or age_s >= self.wait_s


class ChunkSize:
    """How many records to ask for: as many as fill `chunk_bytes` at the size of the last ones.

    It begins small, so that a topic of large records cannot fill the memory with its first read.
    """

    def __init__(self, policy: BatchPolicy) -> None:
        self._policy = policy
        self.records = min(FIRST_CHUNK, policy.chunk_records)

    def learn(self, *, records: int, size_bytes: int) -> None:
        """Take note of a chunk that came."""
        if records == 0:
            return
        mean = max(1, size_bytes // records)
        wanted = min(self._policy.chunk_bytes // mean, self.records * GROWTH, self._policy.chunk_records)
        self.records = max(1, wanted)
