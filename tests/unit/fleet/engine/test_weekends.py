"""A service with its own weekend pattern is compared with that pattern, and can still be an outlier on one."""

from dataclasses import replace
from typing import Final

import numpy as np
import pytest

from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.evaluation import Evaluation
from apps.fleet.engine.observation import Observation
from apps.fleet.simulation import FleetSpec, generate
from apps.fleet.simulation.spec import DAY_S, NOON_S

WHO: Final = 7
SATURDAY: Final = NOON_S + 3 * DAY_S
QUIET: Final = FleetSpec(services=40, noise=(0.05, 0.2), weekend=-0.4, at_s=SATURDAY)
EARLIER: Final = {SATURDAY: (6, 7), SATURDAY + DAY_S: (1, 7)}
"""For each day of the weekend, how many days back the earlier ones are."""


def working(spec: FleetSpec, seed: int, *, factor: float, now: float = 1.0, days: int = 2) -> Observation:
    """A fleet in which one service is `factor` above the others on earlier weekends, and `now` times that now."""
    observation, _ = generate(spec, seed)
    for day in EARLIER[spec.at_s][-days:]:
        observation.past[WHO, :, day - 1] *= factor
    observation.now[WHO] *= factor * now
    return observation


def is_flagged(evaluation: Evaluation) -> bool:
    return any(flag.service == evaluation.services[WHO] for flag in evaluation.flags)


@pytest.mark.parametrize("at_s", EARLIER)
@pytest.mark.parametrize("factor", [0.6, 1.5, 4.0])
def test_a_repeated_weekend_pattern_is_not_flagged(at_s: float, factor: float) -> None:
    fleets = [working(replace(QUIET, at_s=at_s), seed, factor=factor) for seed in range(20)]
    assert sum(is_flagged(evaluate(fleet)) for fleet in fleets) <= 2


def test_a_deviation_from_the_weekend_pattern_is_flagged() -> None:
    found = [evaluate(working(QUIET, seed, factor=1.5, now=2.5)) for seed in range(20)]
    assert sum(map(is_flagged, found)) >= 19
    ratios = [
        flag.value / flag.baseline
        for evaluation in found
        for flag in evaluation.flags
        if (flag.service, flag.signal) == (evaluation.services[WHO], "latency_p95")
    ]
    assert np.median(ratios) == pytest.approx(2.5, rel=0.1)


def test_one_earlier_day_is_not_a_weekend_pattern() -> None:
    found = [evaluate(working(QUIET, seed, factor=2.0, days=1)) for seed in range(20)]
    assert sum(map(is_flagged, found)) >= 18
