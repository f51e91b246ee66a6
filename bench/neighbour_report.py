"""The rates of a healthy dataset beside sick ones, and how they are shown: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.result import Result, aligned, rates, shown

HEAD: Final = ("beside", "rows/s", "beside none", "ratio", "rounds", "")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The healthy dataset's rows a second beside a fault, and beside none, round by round."""

    name: str
    sick: Sequence[float]
    calm: Sequence[float]
    target: float

    @property
    def result(self) -> Result:
        """The medians, and whether they reach the target."""
        return rates(f"beside {self.name}", "rows/s", self.sick, self.calm, target=self.target)

    @property
    def rounds(self) -> list[float]:
        """Each round's ratio."""
        return [sick / calm for sick, calm in zip(self.sick, self.calm, strict=True)]


@dataclass(frozen=True, slots=True)
class CrashCost:
    """How long the healthy dataset took beside a fault that ends the worker, so many times, and beside none."""

    name: str
    sick_s: float
    calm_s: float
    ended: int

    @property
    def line(self) -> str:
        """What it says, without a target."""
        return (
            f"Without a target: {self.name} ended the worker {self.ended} times. Started again at once, it had the "
            f"healthy dataset whole after {self.sick_s:.1f} s, beside none after {self.calm_s:.1f} s: "
            f"{(self.sick_s - self.calm_s) / self.ended:.1f} s for each end."
        )


def report(
    comparisons: Sequence[Comparison], crash_cost: CrashCost | None, *, backlog: int, target: float, every_s: float
) -> str:
    """What was measured, a line for each fault, and whether the claim holds."""
    parts = []
    if comparisons:
        parts = [_table(comparisons, backlog, every_s)]
    if crash_cost:
        parts.append(crash_cost.line)
    if comparisons:
        parts.append(_verdict(comparisons, target))
    return "\n\n".join(parts)


def _table(comparisons: Sequence[Comparison], backlog: int, every_s: float) -> str:
    head = (
        f"Rows a second of a healthy dataset with a backlog of {backlog:,}, read by one worker beside a dataset at\n"
        f"which the fault is made, and beside one at which none is: the medians of the rounds. The ratio is the\n"
        f"median of the rounds' ratios. A faulty record comes every {every_s:g} s;\n"
        f"other faults are there from the start."
    )
    rows = [HEAD, *(_cells(one) for one in comparisons)]
    return f"{head}\n\n{aligned(rows, left={0, 4, 5})}"


def _cells(one: Comparison) -> tuple[str, ...]:
    result = one.result
    rounds = " ".join(f"{ratio:.2f}" for ratio in one.rounds)
    verdict = "holds" if result.holds else "FAILS"
    return (one.name, shown(result.anden), shown(result.baseline), f"{result.ratio:.2f}", rounds, verdict)


def _verdict(comparisons: Sequence[Comparison], target: float) -> str:
    failing = [one.name for one in comparisons if not one.result.holds]
    if failing:
        return f"The claim FAILS: below {target:g} of its rate beside {', '.join(failing)}."
    worst = min(comparisons, key=lambda one: one.result.ratio)
    return (
        f"The claim holds: beside each of {len(comparisons)} faults the healthy dataset keeps ≥ {target:g} of its "
        f"rate; {worst.result.ratio:.2f} at the worst, beside {worst.name}."
    )
