"""The parameters of a simulated fleet: size, noise, and how its services differ."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from apps.fleet.simulation.faults import Fault, drawn_fault

DAY_S: Final = 86_400.0
NOON_S: Final = 1_762_948_800.0
"""A Wednesday, 12:00 UTC: the default end of the window."""


@dataclass(frozen=True, slots=True)
class FleetSpec:
    """The parameters of a fleet. Pairs are bounds from which each service draws its own value; values are logarithms.

    `noise` is the standard deviation of a point, `tails` the degrees of freedom of its Student t, `memory` the share
    that the next minute inherits. `wander` is how far a level strays within hours, `scale` how far the levels of the
    services differ, `season` a service's own daily swing (with its own phase), `common` the swing that all share,
    `weekend` the weekend shift of all services, `own_weekend` of each on its own.
    `gaps` is the share of randomly missing points.
    """

    services: int = 50
    zones: tuple[str, ...] = ("a", "b", "c")
    points: int = 60
    step_s: float = 60.0
    days: int = 7
    at_s: float = NOON_S
    noise: tuple[float, float] = (0.05, 0.25)
    tails: tuple[float, float] = (3.0, 8.0)
    memory: tuple[float, float] = (0.0, 0.6)
    wander: tuple[float, float] = (0.02, 0.08)
    scale: float = 0.6
    season: tuple[float, float] = (0.1, 0.6)
    common: float = 0.3
    weekend: float = -0.3
    own_weekend: float = 0.05
    gaps: float = 0.05
    faults: tuple[Fault, ...] = ()

    @classmethod
    def drawn(cls, rng: np.random.Generator, *, services: int = 50, faults: tuple[Fault, ...] = ()) -> "FleetSpec":
        """A hard fleet with random parameters, so that nothing can be tuned to one of them."""
        quiet = rng.uniform(0.03, 0.08)
        calm = rng.uniform(0.01, 0.04)
        return cls(
            services=services,
            zones=tuple("abcdef"[: int(rng.integers(2, 7))]),
            at_s=NOON_S + float(rng.integers(0, 7 * 24 * 60)) * 60.0,
            noise=(quiet, rng.uniform(0.18, 0.28)),
            tails=(rng.uniform(2.5, 4.0), rng.uniform(5.0, 12.0)),
            memory=(0.0, rng.uniform(0.2, 0.75)),
            wander=(calm, calm + rng.uniform(0.02, 0.08)),
            scale=rng.uniform(0.4, 0.8),
            season=(0.05, rng.uniform(0.3, 0.9)),
            common=rng.uniform(0.0, 0.5),
            weekend=rng.uniform(-0.6, 0.1),
            own_weekend=rng.uniform(0.0, 0.1),
            gaps=rng.uniform(0.0, 0.1),
            faults=faults,
        )

    @classmethod
    def hard(cls, rng: np.random.Generator, *, services: int, factor: float) -> "FleetSpec":
        """A drawn fleet with faults in a random number of services, signals and start times."""
        share = rng.uniform(0.02, 0.1)
        faults = (drawn_fault(rng, factor) for _ in range(max(1, round(share * services))))
        return cls.drawn(rng, services=services, faults=tuple(faults))

    def with_faults(self, *faults: Fault) -> "FleetSpec":
        """The same fleet with additional faults."""
        return replace(self, faults=(*self.faults, *faults))
