"""The time windows of a dataset's chart."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ChartWindow:
    """A window of equal steps: its name, the length of a step, and the axis labels, oldest first."""

    name: str
    step_s: int
    marks: tuple[str, ...]


STEPS: Final = 60
"""Bars in a chart, for every window."""

WINDOWS: Final = (
    ChartWindow("5 min", 5, ("5 min ago", "4 min", "3 min", "2 min", "1 min", "now")),
    ChartWindow("1 h", 60, ("1 h ago", "45 min", "30 min", "15 min", "now")),
    ChartWindow("24 h", 1_440, ("24 h ago", "18 h", "12 h", "6 h", "now")),
)

_YOUNG_S: Final = 900


def chart_window(name: str | None, *, age_s: float) -> ChartWindow:
    """The window with this name; by default the shortest for a new dataset, otherwise an hour."""
    named = next((window for window in WINDOWS if window.name == name), None)
    return named or (WINDOWS[0] if age_s < _YOUNG_S else WINDOWS[1])
