"""Small charts as SVG geometry: no library, no colours, so that a style sheet serves light and dark alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_LEAST: Final = 1.5
"""The height of the smallest bar that stands for something."""


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line and the area below it, as SVG path data in a box of width × height."""

    width: int
    height: int
    line: str
    area: str


@dataclass(frozen=True, slots=True)
class ChartBar:
    """A bar from the ground up, and what it stands for."""

    x: float
    y: float
    width: float
    height: float
    value: float


def sparkline(values: Sequence[float], *, width: int = 160, height: int = 36) -> Sparkline:
    """The values, oldest first, from the left edge to the right one; zero is the ground."""
    top, step = _top(values), width / max(1, len(values) - 1)
    points = [(index * step, _y(value, top, height)) for index, value in enumerate(values)]
    if len(points) == 1:
        points.append((float(width), points[0][1]))
    line = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in points) if points else ""
    area = f"{line}L{width},{height}L0,{height}Z" if points else ""
    return Sparkline(width, height, line, area)


def bars(values: Sequence[float], *, width: int, height: int, gap: float = 0.25) -> list[ChartBar]:
    """One bar per value, oldest left; `gap` is the share of a bar's room that stays free."""
    top, room = _top(values), width / max(1, len(values))
    heights = [max(_LEAST, (height - 1) * value / top) if value > 0 else 0.0 for value in values]
    return [
        ChartBar(
            x=round(index * room + room * gap / 2, 2),
            y=round(height - tall, 2),
            width=round(room * (1 - gap), 2),
            height=round(tall, 2),
            value=value,
        )
        for index, (value, tall) in enumerate(zip(values, heights, strict=True))
    ]


def _top(values: Sequence[float]) -> float:
    """The value at the upper edge: the largest, or anything above zero where nothing happened."""
    return max((value for value in values), default=0.0) or 1.0


def _y(value: float, top: float, height: int) -> float:
    """The height of a value, from the upper edge; a pixel stays free for the width of the line."""
    return height - 1 - (height - 2) * max(0.0, value) / top
