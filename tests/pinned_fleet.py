"""A simulated fleet that is the same at each run: shown as of now, drawn as of one fixed noon."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats, Observation
from apps.fleet.simulation import FleetSpec, SimulatedFleet


class PinnedFleet(SimulatedFleet):
    """What the fleet of the spec shows around its own `at_s`, told as if that were `shown_at_s`, epoch seconds.

    A fleet drawn as of now would be another one each minute, and of a thousand healthy services one stands out.
    """

    def __init__(self, spec: FleetSpec, seed: int, *, shown_at_s: float) -> None:
        super().__init__(spec, seed)
        self._later_s = shown_at_s - spec.at_s

    def values(self, times_s: NDArray[np.float64]) -> Floats:
        """The signals at these times, S × K × T."""
        return super().values(times_s - self._later_s)

    def observe(self, at_s: float | None = None) -> Observation:
        """What a source would answer at that moment."""
        seen = super().observe(self.spec.at_s + self._later_s if at_s is None else at_s)
        return replace(seen, deployed_s=seen.deployed_s + self._later_s)
