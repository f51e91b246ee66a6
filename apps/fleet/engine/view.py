"""What a page shows of a fleet: of bounded size, whether the fleet has eight services or ten thousand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from apps.fleet.engine.evaluation import FleetEvent, OutlierFlag, ServiceState
from apps.fleet.engine.observation import Floats

MAX_RANKED: Final = 20
"""Maximum rows of the ranked list."""
MAX_SMALL_MULTIPLES: Final = 6
"""Maximum small multiples."""


@dataclass(frozen=True, slots=True, eq=False)
class RankedService:
    """A service of the ranked list: its worst flag, and its worst score at each of `FleetView.times`."""

    service: str
    state: ServiceState
    flag: OutlierFlag
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class SmallMultiple:
    """One signal of one flagged service over the window, with its peer band.

    `values`, `low`, `median`, `high` have one entry per point, in the signal's unit. The peer band is the peers' ratio
    to their own baseline, times this service's baseline.
    """

    flag: OutlierFlag
    times_s: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    median: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FleetView:
    """The fleet at `at` (UTC), with the scores at `times` (UTC, rising).

    `heat` is rows × times, the worst first, NaN for no data; `heat_labels` names each row: a service, or the number of
    services that share the row if the fleet is larger than a screen (the row then shows their worst score).
    `stale_reason` explains why the data is not current, empty if it is: the newest evaluation failed, or no evaluator
    is running. Once the newest evaluation is stale, every service counts as without data.
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
        """The number of services."""
        return sum(self.counts.values())

    @property
    def outlier_share(self) -> float:
        """The share of services that are outliers."""
        return self.counts.get(ServiceState.OUTLIER, 0) / max(self.services, 1)

    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return self.services == 0 or not np.size(self.heat)
