"""How fast to go: pure functions of the clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """So many records a second from the moment of the start, or as many as Kafka takes where rate is 0."""

    rate: float
    started_s: float

    def allowed(self, now_s: float) -> float:
        """How many records may have been sent by now."""
        return (now_s - self.started_s) * self.rate if self.rate else float("inf")

    def wait_s(self, sent: int, now_s: float) -> float:
        """How long to wait before the next record."""
        return max(0.0, (sent + 1) / self.rate - (now_s - self.started_s)) if self.rate else 0.0
