"""The times of an evaluation: the current window, and the same minutes of earlier days."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class ObservationSpan:
    """`points` steps of `step_s` seconds up to now, and the same steps one to `days` days before.

    Steps are aligned to multiples of `step_s` since 1970, as Prometheus aligns them.
    """

    window_s: int
    step_s: int
    days: int

    def __post_init__(self) -> None:
        if self.step_s <= 0 or DAY_S % self.step_s:
            raise ValueError(f"a step of {self.step_s} s does not divide a day")
        if not 2 * self.step_s <= self.window_s <= DAY_S or self.window_s % self.step_s:
            raise ValueError(f"a window of {self.window_s} s is not 2 or more complete steps up to a day")
        if self.days < 0:
            raise ValueError("the number of days must not be negative")

    @property
    def points(self) -> int:
        """Steps per window."""
        return self.window_s // self.step_s

    def times_s(self, at_s: float, day: int = 0) -> NDArray[np.float64]:
        """The ends of the window's steps, `day` days before, epoch seconds."""
        last = int(at_s // self.step_s) * self.step_s - day * DAY_S
        return last - self.step_s * np.arange(self.points - 1, -1, -1, dtype=np.float64)

    def windows(self, at_s: float) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Each day with its times: 0 is today, 1 is yesterday."""
        return ((day, self.times_s(at_s, day)) for day in range(self.days + 1))

    def cells(self, at_s: float, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """The cell of each time, day × points + point; -1 for times outside the windows."""
        back = int(at_s // self.step_s) - np.ceil(times_s / self.step_s).astype(np.int64)
        day, point = np.divmod(back, DAY_S // self.step_s)
        covered = (back >= 0) & (day <= self.days) & (point < self.points)
        return np.where(covered, day * self.points + (self.points - 1 - point), -1)
