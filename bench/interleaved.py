"""Runs the sides of a comparison in turns."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

NAME_WIDTH: Final = 12
FIGURE_WIDTH: Final = 9

Side = Callable[[], Mapping[str, float]]
"""Measures once; returns a rate for each name."""


def interleaved(label: str, sides: Sequence[Side], *, rounds: int) -> dict[str, list[float]]:
    """Each name's rates by round, rows per second; prints a line per round.

    One more round comes first and does not count: it compiles modules, fills caches and warms up the broker's JIT
    compiler. The order alternates, so that no side always runs on the warmer machine.
    """
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        figures: dict[str, float] = {}
        for side in sides if number % 2 else sides[::-1]:
            figures |= side()
        if number:
            for name, figure in figures.items():
                found[name].append(figure)
        print(progress_line(label, number, rounds, figures), flush=True)
    return found


def progress_line(label: str, number: int, rounds: int, figures: Mapping[str, float]) -> str:
    """A round's line; lines of all comparisons are aligned."""
    shown = "  ".join(f"{name} {figure:{FIGURE_WIDTH},.0f}" for name, figure in sorted(figures.items()))
    turn = f"round {number} of {rounds}" if number else "warm-up"
    return f"  {label:{NAME_WIDTH}}  {turn:{len(f'round {rounds} of {rounds}')}}  {shown}"
