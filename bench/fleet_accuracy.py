"""Precision and recall on hard random fleets, compared with other methods.

`python -m bench.fleet_accuracy` tunes the rivals' tolerances, on seeds that no table uses.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.engine import evaluate
from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.engine.observation import Observation
from apps.fleet.simulation import FleetSpec, GroundTruth, generate
from bench.fleet_rivals import RIVALS
from bench.result import Result, least

ANDEN: Final = "Andén"
HELD_OUT: Final = 58_260_000
"""The first seed of the published table: held out from all tuning."""
TRAINING: Final = 40_000
SHIFTS: Final = (1.3, 1.5, 2.0)
FLEETS: Final = {8: 100, 50: 80, 1000: 6}
"""How many fleets of each size are drawn for each shift."""
CLAIMS: Final = {
    (8, 1.5): (95.0, 75.0),
    (50, 1.5): (95.0, 85.0),
    (1000, 1.5): (95.0, 85.0),
    (50, 2.0): (95.0, 98.0),
    (1000, 2.0): (95.0, 98.0),
}
"""Minimum precision and recall, per cent."""


@dataclass(slots=True)
class Tally:
    """The results of a method over several fleets."""

    flagged: int = 0
    faulty: int = 0
    right: int = 0

    def add(self, flags: NDArray[np.bool_], faulty: NDArray[np.bool_]) -> None:
        """Count a fleet."""
        self.flagged += int(flags.sum())
        self.faulty += int(faulty.sum())
        self.right += int((flags & faulty).sum())

    @property
    def precision(self) -> float:
        """The share of flagged services that are faulty, per cent."""
        return 100.0 * self.right / self.flagged if self.flagged else 0.0

    @property
    def recall(self) -> float:
        """The share of faulty services that are flagged, per cent."""
        return 100.0 * self.right / self.faulty if self.faulty else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.precision * self.recall / max(self.precision + self.recall, 1e-9)


Table = dict[tuple[int, float], dict[str, Tally]]


def hard_fleets(
    services: int, shift: float, *, first_seed: int, count: int
) -> Iterator[tuple[Observation, GroundTruth]]:
    """Fleets with faulty services and random parameters."""
    for seed in range(first_seed, first_seed + count):
        rng = np.random.default_rng([seed, services, round(10 * shift)])
        yield generate(FleetSpec.hard(rng, services=services, factor=shift), seed)


def found_by(observation: Observation) -> NDArray[np.bool_]:
    """The services that Andén flags."""
    return np.asarray(evaluate(observation).state == ServiceState.OUTLIER)


def tabulate(fleets: Mapping[int, int] = FLEETS, *, first_seed: int) -> Table:
    """The results of every method for every size and shift."""
    table: Table = {}
    for services, count in fleets.items():
        for shift in SHIFTS:
            row = {name: Tally() for name in (ANDEN, *(rival.name for rival in RIVALS))}
            for observation, truth in hard_fleets(services, shift, first_seed=first_seed, count=count):
                row[ANDEN].add(found_by(observation), truth.faulty_services)
                for rival in RIVALS:
                    row[rival.name].add(rival.flags(observation, rival.tolerance), truth.faulty_services)
            table[services, shift] = row
            anden = row[ANDEN]
            print(f"fleet: N={services:,} ×{shift}: P {anden.precision:.1f} % R {anden.recall:.1f} %", flush=True)
    return table


def claims(table: Table) -> list[Result]:
    """The claims for the README."""
    results = []
    for (services, shift), (precision, recall) in CLAIMS.items():
        anden = table[services, shift][ANDEN]
        named = f"One of {services:,} services at ×{shift:g} of its baseline"
        results.append(least(f"{named}: precision", "%", anden.precision, target=precision))
        results.append(least(f"{named}: recall", "%", anden.recall, target=recall))
    return results


def markdown(table: Table) -> str:
    """The Markdown table: precision / recall in per cent."""
    names = [ANDEN, *(rival.name for rival in RIVALS)]
    lines = [f"| N, shift | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for (services, shift), row in table.items():
        cells = (f"{row[name].precision:.0f} / {row[name].recall:.0f}" for name in names)
        lines.append(f"| {services:,}, ×{shift} | {' | '.join(cells)} |")
    return "\n".join(lines)


def tune() -> None:
    """Print each rival's tolerance with the best mean F1 over training fleets."""
    scores: dict[tuple[str, float], list[float]] = {}
    for services, count in {8: 60, 50: 20, 1000: 1}.items():
        for shift in (1.5, 2.0):
            tallies = {(rival.name, tolerance): Tally() for rival in RIVALS for tolerance in rival.grid}
            for observation, truth in hard_fleets(services, shift, first_seed=TRAINING, count=count):
                for rival in RIVALS:
                    for tolerance in rival.grid:
                        flags = rival.flags(observation, tolerance)
                        tallies[rival.name, tolerance].add(flags, truth.faulty_services)
            for key, tally in tallies.items():
                scores.setdefault(key, []).append(tally.f1)
    for rival in RIVALS:
        best = max(rival.grid, key=lambda tolerance: float(np.mean(scores[rival.name, tolerance])))
        print(f"{rival.name}: {best} (F1 {np.mean(scores[rival.name, best]):.0f} %)")


if __name__ == "__main__":
    tune()
