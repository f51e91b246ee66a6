"""How fast to go: pure functions of the clock."""

import math
from dataclasses import dataclass
from typing import Final

TICK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """So many records a second from the moment of the start, or as many as Kafka takes where rate is 0.

    They go out by the tick: waiting before each single one would cost more than sending it.
    """

    rate: float
    started_s: float

    @property
    def tick_s(self) -> float:
        """Seconds between two moments at which records may go out."""
        return max(TICK_S, 1 / self.rate) if self.rate else 0.0

    def allowed(self, now_s: float) -> float:
        """How many records may have been sent by now."""
        if not self.rate:
            return float("inf")
        return math.floor((now_s - self.started_s) / self.tick_s) * self.tick_s * self.rate

    def wait_s(self, now_s: float) -> float:
        """How long it is until the next tick."""
        return self.tick_s - (now_s - self.started_s) % self.tick_s if self.rate else 0.0
