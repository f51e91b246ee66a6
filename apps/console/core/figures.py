"""Counts and durations in short form."""

import math
from typing import Final

NOTHING: Final = "–"

_STEPS: Final = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_SPANS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))


def short_count(value: float | None) -> str:
    """A count in at most four characters and a letter: 947, 1.23k, 337k, 4.5M; a dash if it is unknown."""
    if value is None or math.isnan(value):
        return NOTHING
    for size, letter in _STEPS:
        if abs(value) >= size:
            return f"{_three_digits(value / size)}{letter}"
    return _three_digits(value)


def short_span(seconds: float | None) -> str:
    """A duration in its largest fitting unit, rounded down: 0 s, 45 s, 3 min, 5 h, 12 d."""
    if seconds is None or math.isnan(seconds):
        return NOTHING
    for size, unit in _SPANS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def _three_digits(value: float) -> str:
    """Three significant digits without exponent or trailing zeros, rounded down: 999,999 must not become 1000k."""
    decimals = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    scaled = math.trunc(round(value * 10**decimals, 6)) / 10**decimals
    text = f"{scaled:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
