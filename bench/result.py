"""Results of comparisons, and their table. Pure."""

import json
import statistics
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

MIB: Final = 1024 * 1024
WORKER_LIMIT_MIB: Final = 250.0


@dataclass(frozen=True, slots=True)
class Result:
    """Andén compared with a baseline. A ratio of 2 is twice as good; it holds when it reaches the target."""

    name: str
    unit: str
    anden: float
    baseline: float
    ratio: float
    target: float

    @property
    def holds(self) -> bool:
        """Whether the claim holds."""
        return self.ratio >= self.target

    @property
    def failure(self) -> str:
        """What fails, with both figures."""
        return (
            f"{self.name}: {shown(self.anden)} {self.unit} beside {shown(self.baseline)} {self.unit} "
            f"is a ratio of {self.ratio:.2f}, the target is {self.target:g}"
        )

    def as_json(self) -> dict[str, Any]:
        """The result for the JSON file, rounded to significant digits."""
        figures = {name: _rounded(getattr(self, name)) for name in ("anden", "baseline", "ratio")}
        return {"name": self.name, "unit": self.unit, **figures, "target": self.target, "holds": self.holds}


def rates(name: str, unit: str, anden: Sequence[float], baseline: Sequence[float], *, target: float) -> Result:
    """Compare two series of rates, where more is better.

    The figures are the medians of the rounds, and the ratio is the median of the rounds' ratios: the machine's load
    changes over minutes, but the two sides of a round are seconds apart.
    """
    ratios = [own / other for own, other in zip(anden, baseline, strict=True)]
    return Result(name, unit, statistics.median(anden), statistics.median(baseline), statistics.median(ratios), target)


def limit(name: str, unit: str, anden: float, *, most: float) -> Result:
    """Compare a figure with an upper limit, where less is better."""
    return Result(name, unit, anden, most, most / max(anden, 0.1), 1.0)


def least(name: str, unit: str, anden: float, *, target: float) -> Result:
    """Compare a figure with a lower limit, where more is better."""
    return Result(name, unit, anden, target, anden / target, 1.0)


def worker_memory(shape: str, peak_bytes: int) -> Result:
    """The peak memory of the process that ingested this shape of records."""
    return limit(f"peak memory of the worker, {shape}", "MiB", peak_bytes / MIB, most=WORKER_LIMIT_MIB)


def table(results: Iterable[Result]) -> str:
    """The results as an aligned table."""
    rows = [("", "Andén", "baseline", "unit", "ratio", "target", "")]
    for item in results:
        figures = (shown(item.anden), shown(item.baseline), item.unit, f"{item.ratio:.2f}", f"≥ {item.target:g}")
        rows.append((item.name, *figures, "holds" if item.holds else "FAILS"))
    return aligned(rows, left={0, 3})


def aligned(rows: Sequence[Sequence[str]], *, left: Collection[int]) -> str:
    """The rows as aligned text; the columns in `left` are left-aligned, the others right-aligned."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index in left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def write(results: Iterable[Result], path: Path) -> None:
    """Write the results to a JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([item.as_json() for item in results], indent=2) + "\n", encoding="utf-8")


def shown(figure: float) -> str:
    """A figure with its significant digits."""
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.1f}"


def _rounded(figure: float) -> float:
    return round(figure, 1) if figure >= 100 else round(figure, 3)
