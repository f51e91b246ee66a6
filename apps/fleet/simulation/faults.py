"""The faults of a simulated fleet."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

SLOW: Final = ("latency_p95", "database_read", "database_write")
"""The signals of a slow service."""


class FaultKind(StrEnum):
    """How a fault develops, or what it affects."""

    LEVEL = "level"
    DRIFT = "drift"
    """Grows linearly from its start to its end."""
    FLAP = "flap"
    """On and off, `period_s` each."""
    STEP = "step"
    """Like level, but begins with a known deploy."""
    SPREAD = "spread"
    """The noise grows by the factor, the level stays."""
    SILENT = "silent"
    """Sends nothing."""
    ZONE = "zone"
    """Affects the zone of the first of its services."""
    NEIGHBOUR = "neighbour"
    """The first service sends `factor` times its requests and slows down its zone."""
    FLEET = "fleet"
    """Affects every service."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of services (their indexes), from `start_s` to `end_s` before the end of the window.

    `factor` multiplies the signals. Without `services`, `count` services are drawn.
    """

    kind: FaultKind = FaultKind.LEVEL
    factor: float = 2.0
    signals: tuple[str, ...] = SLOW
    services: tuple[int, ...] = ()
    count: int = 1
    start_s: float = 3_600.0
    end_s: float = 0.0
    period_s: float = 600.0

    def shape(self, before_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """The strength of the fault, 0 to 1, at this many seconds before the end of the window."""
        active = (before_s <= self.start_s) & (before_s >= self.end_s)
        if self.kind is FaultKind.DRIFT:
            grown = (self.start_s - before_s) / max(self.start_s - self.end_s, 1.0)
            return np.where(active, np.clip(grown, 0.0, 1.0), 0.0)
        if self.kind is FaultKind.FLAP:
            active &= np.floor((self.start_s - before_s) / self.period_s).astype(np.int64) % 2 == 0
        return active.astype(np.float64)


def drawn_fault(rng: np.random.Generator, factor: float) -> Fault:
    """One service at `factor` times its baseline in one to three signals, for 20 minutes up to the full window."""
    signals = rng.permutation(("request_rate", *SLOW))[: int(rng.integers(1, 4))]
    return Fault(factor=factor, signals=tuple(map(str, signals)), start_s=60.0 * float(rng.integers(20, 61)))
