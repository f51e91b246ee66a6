"""Renders the rates of a healthy dataset next to faulty ones. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.result import Result, aligned, rates, shown

HEAD: Final = ("next to", "rows/s", "baseline", "ratio", "rounds", "")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The healthy dataset's rows per second next to a fault, and without one, by round."""

    name: str
    faulty: Sequence[float]
    baseline: Sequence[float]
    target: float

    @property
    def result(self) -> Result:
        """The medians, compared with the target."""
        return rates(f"next to {self.name}", "rows/s", self.faulty, self.baseline, target=self.target)

    @property
    def rounds(self) -> list[float]:
        """Each round's ratio."""
        return [faulty / baseline for faulty, baseline in zip(self.faulty, self.baseline, strict=True)]


@dataclass(frozen=True, slots=True)
class CrashCost:
    """How long the healthy dataset took next to a fault that kills the worker, and without one."""

    name: str
    faulty_s: float
    baseline_s: float
    ended: int

    @property
    def line(self) -> str:
        """The report's line; there is no target."""
        return (
            f"Without a target: {self.name} killed the worker {self.ended} times. With restarts, it had read the "
            f"healthy dataset after {self.faulty_s:.1f} s, without the fault after {self.baseline_s:.1f} s: "
            f"{(self.faulty_s - self.baseline_s) / self.ended:.1f} s per restart."
        )


def report(
    comparisons: Sequence[Comparison], crash_cost: CrashCost | None, *, backlog: int, target: float, every_s: float
) -> str:
    """A line per fault, and whether the claim holds."""
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
        f"Rows per second of a healthy dataset with a backlog of {backlog:,}, read by one worker together with a\n"
        f"faulty dataset, and with a healthy one as the baseline: medians of the rounds. The ratio is the\n"
        f"median of the rounds' ratios. A faulty record arrives every {every_s:g} s;\n"
        f"other faults exist from the start."
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
        return f"The claim FAILS: below {target:g} of its rate next to {', '.join(failing)}."
    worst = min(comparisons, key=lambda one: one.result.ratio)
    return (
        f"The claim holds: next to each of {len(comparisons)} faults the healthy dataset keeps ≥ {target:g} of its "
        f"rate; {worst.result.ratio:.2f} in the worst case, next to {worst.name}."
    )
