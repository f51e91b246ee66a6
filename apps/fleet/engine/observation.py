"""What a source gives the engine: the current window, and the same minutes of earlier days."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.signals import ServiceSignal

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """An observed fleet; S services, K signals, W points, D days. NaN is "no data", never zero.

    `times_s` are the ends of the W steps, epoch seconds, evenly rising. `now` is S × K × W; `past` is S × K × D × W,
    the same minutes one to D days before. `zones` names each service's zone or group, "" if unknown.
    `deployed_s` is the epoch second of each service's last deploy, NaN if unknown.
    """

    services: tuple[str, ...]
    zones: tuple[str, ...]
    signals: tuple[ServiceSignal, ...]
    times_s: NDArray[np.float64]
    now: Floats
    past: Floats
    deployed_s: NDArray[np.float64]

    def __post_init__(self) -> None:
        count, signals, points = len(self.services), len(self.signals), len(self.times_s)
        if self.now.shape != (count, signals, points):
            raise ValueError(f"now is {self.now.shape}, not services × signals × points")
        if self.past.shape[:2] + self.past.shape[3:] != (count, signals, points):
            raise ValueError(f"past is {self.past.shape}, not services × signals × days × points")
        if len(self.zones) != count or self.deployed_s.shape != (count,):
            raise ValueError("zones and deployed_s need one entry for each service")

    @property
    def step_s(self) -> float:
        """Seconds between two points."""
        return float(self.times_s[1] - self.times_s[0])


def observation_subset(observation: Observation, rows: NDArray[np.bool_]) -> Observation:
    """The observation of these services only."""
    return Observation(
        services=tuple(name for name, kept in zip(observation.services, rows, strict=True) if kept),
        zones=tuple(zone for zone, kept in zip(observation.zones, rows, strict=True) if kept),
        signals=observation.signals,
        times_s=observation.times_s,
        now=observation.now[rows],
        past=observation.past[rows],
        deployed_s=observation.deployed_s[rows],
    )
