"""What can be wrong in a simulated fleet."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

SLOW: Final = ("latency_p95", "database_read", "database_write")
"""The signals of a slow service."""


class FaultKind(StrEnum):
    """How a fault goes over time, or whom it strikes."""

    LEVEL = "level"
    DRIFT = "drift"
    """Grows evenly from its start to its end."""
    FLAP = "flap"
    """On and off, `period_s` long."""
    STEP = "step"
    """As level, from a deploy on, which is known."""
    SPREAD = "spread"
    """Restless: the noise grows by the factor, the level stays."""
    SILENT = "silent"
    """Sends nothing."""
    ZONE = "zone"
    """Strikes the zone of the first of its services."""
    NEIGHBOUR = "neighbour"
    """The first service sends `factor` times its requests, and slows down its zone."""
    FLEET = "fleet"
    """Strikes everyone."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with services (their numbers), from `start_s` before the window's end to `end_s` before it.

    `factor` is what the signals are multiplied by. Services without number are drawn: `count` of them.
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
        """How much of the fault there is, 0 to 1, at so many seconds before the window's end."""
        active = (before_s <= self.start_s) & (before_s >= self.end_s)
        if self.kind is FaultKind.DRIFT:
            grown = (self.start_s - before_s) / max(self.start_s - self.end_s, 1.0)
            return np.where(active, np.clip(grown, 0.0, 1.0), 0.0)
        if self.kind is FaultKind.FLAP:
            active &= np.floor((self.start_s - before_s) / self.period_s).astype(np.int64) % 2 == 0
        return active.astype(np.float64)


def drawn_fault(rng: np.random.Generator, factor: float) -> Fault:
    """One service that is `factor` times its usual in one to three signals, for twenty minutes to the whole window."""
    signals = rng.permutation(("request_rate", *SLOW))[: int(rng.integers(1, 4))]
    return Fault(factor=factor, signals=tuple(map(str, signals)), start_s=60.0 * float(rng.integers(20, 61)))
