"""The result of the engine: scores, states, and every flag with its reason."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats
from apps.fleet.engine.signals import ServiceSignal

FlagKind = Literal["level", "drift", "spread", "step"]
"""level: away from the baseline; drift: leaving it slowly; spread: unsteady; step: since a deploy."""


class ServiceState(IntEnum):
    """The state of a service. The number is the value of the exported gauge."""

    OK = 0
    OUTLIER = 1
    NO_DATA = 2
    LEARNING = 3
    """Not enough history: compared with its peers only."""


SHIFTED_WITH_ZONE: Final = 4
"""The gauge's value instead of OUTLIER for a service that only shifts together with its zone."""


@dataclass(frozen=True, slots=True)
class OutlierFlag:
    """One flagged signal of one service, with the figures behind it.

    Values are in the signal's unit; `peer_median` is where the service would be had it shifted like its peers.
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
    """The zone with which this signal shifted; "" if the service is an outlier on its own."""


@dataclass(frozen=True, slots=True)
class FleetEvent:
    """The fleet, or its part named by `zone`, shifted together: one event instead of a flag per service.

    `shift` is a factor (1.6: 60 % above the baseline for this time of day); `services` counts those that shifted.
    `signal` shifted most; `signals` lists all that did: an incident that affects five signals is one event.
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
    """The evaluation of a fleet at one moment; S services, K signals, W points.

    `score` is S × K, NaN without data; `state` holds ServiceState's numbers; `shift` is the fleet's factor per
    signal; `ratio` S × K is value over own baseline; `peer_low`, `peer_median` and `peer_high` are K × W, the 10th,
    50th and 90th percentile of the services' ratio to their own baseline at each point.
    Flags and events are sorted, the worst first.
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
        """The worst score of each service, S; NaN without data, even if other signals are fine."""
        known = np.where(np.isnan(self.score), -np.inf, self.score).max(axis=1, initial=-np.inf)
        unknown = np.isinf(known) | (self.state == ServiceState.NO_DATA)
        return np.where(unknown, np.nan, known).astype(np.float32)

    def exported_states(self) -> NDArray[np.int8]:
        """The exported state of each service: ServiceState's numbers, or SHIFTED_WITH_ZONE."""
        alone = {flag.service for flag in self.flags if not flag.zone}
        moved = {flag.service for flag in self.flags if flag.zone} - alone
        led = np.array([name in moved for name in self.services], dtype=bool) & (self.state == ServiceState.OUTLIER)
        return np.where(led, SHIFTED_WITH_ZONE, self.state).astype(np.int8)

    def count(self, state: ServiceState) -> int:
        """The number of services in this state."""
        return int((self.state == state).sum())
