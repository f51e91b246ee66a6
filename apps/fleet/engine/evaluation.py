"""What the engine says of a fleet: scores, states, and every flag with its reason."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats
from apps.fleet.engine.signals import ServiceSignal

FlagKind = Literal["level", "drift", "spread", "step"]
"""level: away from its usual; drift: slowly leaving it; spread: restless; step: since a deploy."""


class ServiceState(IntEnum):
    """How a service stands; the number is what the gauge of the state exports."""

    OK = 0
    OUTLIER = 1
    NO_DATA = 2
    LEARNING = 3
    """Too new to have a past: compared with its peers alone."""


SHIFTED_WITH_ZONE: Final = 4
"""What the gauge exports in place of OUTLIER where a service merely moves with its zone: the zone is the trouble."""


@dataclass(frozen=True, slots=True)
class OutlierFlag:
    """One signal of one service that stands out, and why a person should believe it.

    Values are in the signal's unit; `peer_median` is where the service would stand had it moved as its peers did.
    `score` is a robust z over the peers; `since_s` is epoch seconds.
    """

    service: str
    signal: str
    kind: FlagKind
    value: float
    baseline: float
    peer_median: float
    score: float
    window_s: float
    peers: int
    since_s: float
    sentence: str
    zone: str = ""
    """The zone that moves together in this signal, the service with it; "" where the service stands out by itself."""


@dataclass(frozen=True, slots=True)
class FleetEvent:
    """The fleet, or the part of it named by `zone`, moved together: one event instead of a flag for each service.

    `shift` is a factor (1.6: sixty per cent above the usual of this time of day); `services` how many moved.
    `signal` moved most; `signals` are all that did: an incident that shows in five signals is one event.
    """

    signal: str
    zone: str
    shift: float
    services: int
    since_s: float
    sentence: str
    signals: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """One look at the whole fleet; S services, K signals, W points.

    `score` is S × K, NaN where there is no data; `state` holds State's numbers; `shift` is the fleet's factor per
    signal; `ratio` S × K is value over own baseline; `peer_low`, `peer_median` and `peer_high` are K × W, the 10th,
    50th and 90th percentile of the services' ratio to their own baseline at each point.
    Flags and events come with the worst first.
    """

    at_s: float
    window_s: float
    services: tuple[str, ...]
    signals: tuple[ServiceSignal, ...]
    score: Floats
    ratio: Floats
    state: NDArray[np.int8]
    shift: Floats
    peer_low: Floats
    peer_median: Floats
    peer_high: Floats
    flags: tuple[OutlierFlag, ...]
    events: tuple[FleetEvent, ...]

    def worst(self) -> Floats:
        """The worst score of each service, S; NaN without data: calm signals do not speak for one that is missing."""
        known = np.where(np.isnan(self.score), -np.inf, self.score).max(axis=1, initial=-np.inf)
        unknown = np.isinf(known) | (self.state == ServiceState.NO_DATA)
        return np.where(unknown, np.nan, known).astype(np.float32)

    def exported_states(self) -> NDArray[np.int8]:
        """The state of each service as a gauge tells it: State's numbers, and SHIFTED_WITH_ZONE."""
        alone = {flag.service for flag in self.flags if not flag.zone}
        moved = {flag.service for flag in self.flags if flag.zone} - alone
        led = np.array([name in moved for name in self.services], dtype=bool) & (self.state == ServiceState.OUTLIER)
        return np.where(led, SHIFTED_WITH_ZONE, self.state).astype(np.int8)

    def count(self, state: ServiceState) -> int:
        """Services in this state."""
        return int((self.state == state).sum())
