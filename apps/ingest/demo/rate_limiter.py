"""Rate limiting as pure functions of the clock."""

import math
from dataclasses import dataclass
from typing import Final

TICK_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class RateLimiter:
    """Allows `rate` records per second from the start, or any number if rate is 0.

    Records are released in ticks, because waiting before each one would cost more than sending it.
    """

    rate: float
    started_s: float

    @property
    def tick_s(self) -> float:
        """Seconds between two ticks."""
        return max(TICK_S, 1 / self.rate) if self.rate else 0.0

    def allowed(self, now_s: float) -> float:
        """The number of records allowed by now."""
        if not self.rate:
            return float("inf")
        return math.floor((now_s - self.started_s) / self.tick_s) * self.tick_s * self.rate

    def wait_s(self, now_s: float) -> float:
        """Seconds until the next tick."""
        return self.tick_s - (now_s - self.started_s) % self.tick_s if self.rate else 0.0
