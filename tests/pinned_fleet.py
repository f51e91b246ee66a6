"""A simulated fleet that is the same at each run: drawn as of a fixed noon, shown as of now."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats, Observation
from apps.fleet.simulation import FleetSpec, SimulatedFleet


class PinnedFleet(SimulatedFleet):
    """The fleet of the spec around its own `at_s`, shifted to `shown_at_s`, epoch seconds.

    A fleet drawn as of now would differ every minute, and one in a thousand healthy services is an outlier by chance.
    """

    def __init__(self, spec: FleetSpec, seed: int, *, shown_at_s: float) -> None:
        super().__init__(spec, seed)
        self._later_s = shown_at_s - spec.at_s

    def values(self, times_s: NDArray[np.float64]) -> Floats:
        """The signals at these times, S × K × T."""
        return super().values(times_s - self._later_s)

    def observe(self, at_s: float | None = None) -> Observation:
        """The observation of a source at that time."""
        seen = super().observe(self.spec.at_s + self._later_s if at_s is None else at_s)
        return replace(seen, deployed_s=seen.deployed_s + self._later_s)
