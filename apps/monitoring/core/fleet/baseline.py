"""What is usual: of each service at this time of day, and of the whole fleet."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.monitoring.core.fleet.observation import Floats
from apps.monitoring.core.fleet.robust import median, median_of_services


@dataclass(frozen=True, slots=True)
class Usual:
    """Logarithms, per block of B.

    `own` S × K × B is what is usual for each service. `fleet` K × B is how far the fleet is from its usual now,
    `past_fleet` K × D × B was on each earlier day. `left` S × K × B and `past_left` S × K × D × B are what is left
    of each service after both; `days` S × K is how many earlier days are known.
    """

    own: Floats
    fleet: Floats
    past_fleet: Floats
    left: Floats
    past_left: Floats
    days: NDArray[np.int64]


def usual(level: Floats, past: Floats, *, least_services: int) -> Usual:
    """What is usual, from the levels of now (S × K × B) and of the days before (S × K × D × B)."""
    by_block = np.ascontiguousarray(past.swapaxes(2, 3))
    first = median(by_block)
    past_fleet = median_of_services(past - first[:, :, None], least=least_services)
    # A day on which the whole fleet was elsewhere is no reason to think that a service strays.
    own = median(by_block - past_fleet.swapaxes(1, 2)[None])
    fleet = median_of_services(level - own, least=least_services)
    known = (~np.isnan(past)).sum(axis=3) * 2 >= past.shape[3]
    return Usual(
        own=own,
        fleet=fleet,
        past_fleet=past_fleet,
        left=level - own - fleet,
        past_left=past - past_fleet - own[:, :, None],
        days=np.asarray(known.sum(axis=2)),
    )
