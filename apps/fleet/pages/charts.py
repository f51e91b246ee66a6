"""SVG geometry of lines, bands and heatmaps. Colours come from the style sheet, for light and dark mode.

Gaps are "no data", never zero. For bars see apps.console.core.chart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isfinite, isnan
from typing import Final

NO_DATA: Final = -1
"""The level of a cell without data."""
LEVELS: Final = 5
"""Heatmap levels: two below the threshold, three above it."""
_ROOM: Final = 1.5
"""Margin above and below a line for its stroke width, pixels."""


@dataclass(frozen=True, slots=True)
class ChartScale:
    """Maps values to vertical positions in a box, both ends included."""

    low: float
    high: float
    height: float

    def y(self, value: float) -> float:
        """The distance from the upper edge; values beyond the scale are clamped."""
        share = (value - self.low) / (self.high - self.low)
        return self.height - _ROOM - (self.height - 2 * _ROOM) * min(1.0, max(0.0, share))


@dataclass(frozen=True, slots=True)
class HeatmapRun:
    """Adjacent cells of one level: the first column, and how many."""

    level: int
    start: int
    length: int


def scale_of(*series: Sequence[float], height: float, least: float = 0.0) -> ChartScale:
    """A scale from zero to the largest finite number, and at least to `least`."""
    numbers = [value for values in series for value in values if isfinite(value)]
    low, high = min(0.0, *numbers, 0.0), max(0.0, least, *numbers, 0.0)
    return ChartScale(low, high if high > low else low + 1.0, height)


def line(values: Sequence[float], scale: ChartScale, *, width: float) -> str:
    """SVG path data of the values over the full width, with gaps for missing values.

    A value between two gaps becomes a short dash, so that it stays visible.
    """
    step = width / max(1, len(values) - 1)
    parts = []
    for known, run in groupby(enumerate(values), key=lambda pair: isfinite(pair[1])):
        if not known:
            continue
        points = [(index * step, scale.y(value)) for index, value in run]
        if len(points) == 1:
            (x, y) = points[0]
            points = [(max(0.0, x - 1), y), (min(float(width), x + 1), y)]
        parts.append("M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points))
    return "".join(parts)


def band(low: Sequence[float], high: Sequence[float], scale: ChartScale, *, width: float) -> str:
    """SVG path data of the area between two lines, with gaps where either is missing."""
    step = width / max(1, len(low) - 1)
    edges = zip(low, high, strict=True)
    parts = []
    for known, run in groupby(enumerate(edges), key=lambda pair: isfinite(pair[1][0]) and isfinite(pair[1][1])):
        if not known:
            continue
        points = [(index * step, scale.y(under), scale.y(over)) for index, (under, over) in run]
        there = "L".join(f"{x:.1f},{over:.1f}" for x, _, over in points)
        back = "L".join(f"{x:.1f},{under:.1f}" for x, under, _ in reversed(points))
        parts.append(f"M{there}L{back}Z")
    return "".join(parts)


def level(score: float, threshold: float) -> int:
    """The heatmap level: 0 and 1 below the threshold, 2 to 4 above it, NO_DATA for NaN."""
    if isnan(score):
        return NO_DATA
    size = abs(score) / threshold
    return sum(size >= bound for bound in (0.75, 1.0, 1.75, 3.0))


def runs(scores: Sequence[float], threshold: float) -> list[HeatmapRun]:
    """A heatmap row as runs of equal level, so that a uniform row costs almost nothing."""
    found, start = [], 0
    for value, group in groupby(level(score, threshold) for score in scores):
        length = len(list(group))
        found.append(HeatmapRun(value, start, length))
        start += length
    return found


def heat_paths(scores: Sequence[float], threshold: float) -> list[tuple[int, str]]:
    """One SVG path per level above 0, in a box of one unit per cell, the lowest level first."""
    paths: dict[int, str] = {}
    for run in runs(scores, threshold):
        if run.level != 0:
            paths[run.level] = paths.get(run.level, "") + f"M{run.start},0h{run.length}v1h-{run.length}z"
    return sorted(paths.items())


def share(value: float, scale: ChartScale) -> float:
    """The position of a value on the scale, in per cent."""
    if not isfinite(value):
        return 0.0
    return round(100 * min(1.0, max(0.0, (value - scale.low) / (scale.high - scale.low))), 2)
