"""Small charts as SVG geometry, without colours: the style sheet sets them for the light and dark themes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LEAST: Final = 1.5
"""The height of the smallest non-zero bar."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line and the area below it, as SVG path data in a box of width × height."""

    width: int
    height: int
    line: str
    area: str


@dataclass(frozen=True, slots=True)
class ChartBar:
    """A bar, and its value."""

    x: float
    y: float
    width: float
    height: float
    value: float


def sparkline(values: Sequence[float], *, width: int = 160, height: int = 36) -> Sparkline:
    """The values as a line, oldest at the left; zero is at the bottom."""
    top, step = _top(values), width / max(1, len(values) - 1)
    points = [(index * step, _y(value, top, height)) for index, value in enumerate(values)]
    if len(points) == 1:
        points.append((float(width), points[0][1]))
    line = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points) if points else ""
    area = f"{line}L{width},{height}L0,{height}Z" if points else ""
    return Sparkline(width, height, line, area)


def bars(values: Sequence[float], *, width: int, height: int, gap: float = 0.25) -> list[ChartBar]:
    """One bar per value, oldest at the left; `gap` is the free share of a bar's slot."""
    top, slot = _top(values), width / max(1, len(values))
    heights = [max(_LEAST, (height - 1) * value / top) if value > 0 else 0.0 for value in values]
    return [
        ChartBar(
            x=round(index * slot + slot * gap / 2, 2),
            y=round(height - tall, 2),
            width=round(slot * (1 - gap), 2),
            height=round(tall, 2),
            value=value,
        )
        for index, (value, tall) in enumerate(zip(values, heights, strict=True))
    ]


def _top(values: Sequence[float]) -> float:
    """The value at the upper edge: the largest, or 1 if all are zero."""
    return max((value for value in values), default=0.0) or 1.0


def _y(value: float, top: float, height: int) -> float:
    """The value's distance from the upper edge; a pixel stays free for the stroke."""
    return height - 1 - (height - 2) * max(0.0, value) / top
