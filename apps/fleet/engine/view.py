"""What a page shows of a fleet: small whether the fleet is eight or ten thousand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from apps.fleet.engine.evaluation import FleetEvent, OutlierFlag, ServiceState
from apps.fleet.engine.observation import Floats

MAX_RANKED: Final = 20
"""Rows of the ranked list at most."""
MAX_SMALL_MULTIPLES: Final = 6
"""Small multiples at most."""


@dataclass(frozen=True, slots=True, eq=False)
class RankedService:
    """A service of the ranked list: its worst flag, and its worst score over the evaluations of `FleetView.times`."""

    service: str
    state: ServiceState
    flag: OutlierFlag
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class SmallMultiple:
    """One signal of one flagged service over the window, beside what is usual for its peers.

    `values`, `low`, `median`, `high` have one entry a point and are in the signal's unit: the peer band is the
    peers' ratio to their own usual, times this service's own baseline.
    """

    flag: OutlierFlag
    times_s: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    median: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FleetView:
    """The fleet as it stands at `at` (UTC), and how its scores went at `times` (UTC, rising).

    `heat` is rows × times, the worst first, NaN for no data; `heat_labels` names each row: a service, or how many
    services the row stands for where the fleet is larger than a screen (the row is then their worst score).
    `trouble` says in one sentence why this is not the fleet of now, empty where it is: the newest try failed, or
    nobody evaluates. Once the newest evaluation is too old to tell, every service counts as without data.
    """

    at: datetime
    age_s: float
    counts: dict[ServiceState, int]
    shifts: dict[str, float]
    events: tuple[FleetEvent, ...]
    worst: tuple[RankedService, ...]
    times: tuple[datetime, ...]
    heat: Floats
    heat_labels: tuple[str, ...]
    multiples: tuple[SmallMultiple, ...]
    duration_s: float
    stale_reason: str = ""

    @property
    def services(self) -> int:
        """Services of the fleet."""
        return sum(self.counts.values())

    @property
    def outlier_share(self) -> float:
        """The share of services that stand out."""
        return self.counts.get(ServiceState.OUTLIER, 0) / max(self.services, 1)

    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return self.services == 0 or not np.size(self.heat)
