"""The spans of time that a dataset's chart can show."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class ChartWindow:
    """A span in equal steps: its name, the length of a step, and marks along the way, the oldest first."""

    name: str
    step_s: int
    marks: tuple[str, ...]


STEPS: Final = 60
"""Bars of a chart, whatever its span."""

WINDOWS: Final = (
    ChartWindow("5 min", 5, ("5 min ago", "4 min", "3 min", "2 min", "1 min", "now")),
    ChartWindow("1 h", 60, ("1 h ago", "45 min", "30 min", "15 min", "now")),
    ChartWindow("24 h", 1_440, ("24 h ago", "18 h", "12 h", "6 h", "now")),
)

_YOUNG_S: Final = 900


def chart_window(name: str | None, *, age_s: float) -> ChartWindow:
    """The window of this name; else the shortest for a dataset that is new, and an hour for any other."""
    named = next((window for window in WINDOWS if window.name == name), None)
    return named or (WINDOWS[0] if age_s < _YOUNG_S else WINDOWS[1])
