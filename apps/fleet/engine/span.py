"""What an evaluation looks at: the window of now, and the same minutes of the days before."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class ObservationSpan:
    """`points` steps of `step_s` seconds up to now, and the same steps one to `days` days before.

    Steps end at whole multiples of `step_s` since 1970, which Prometheus and its kin keep, too.
    """

    window_s: int
    step_s: int
    days: int

    def __post_init__(self) -> None:
        if self.step_s <= 0 or DAY_S % self.step_s:
            raise ValueError(f"a day is no whole number of steps of {self.step_s} s")
        if not 2 * self.step_s <= self.window_s <= DAY_S or self.window_s % self.step_s:
            raise ValueError(f"a window of {self.window_s} s is not 2 or more whole steps, and at most a day")
        if self.days < 0:
            raise ValueError("a span has no negative days")

    @property
    def points(self) -> int:
        """Steps of a window."""
        return self.window_s // self.step_s

    def times_s(self, at_s: float, day: int = 0) -> NDArray[np.float64]:
        """The ends of the window's steps, `day` days before, epoch seconds."""
        last = int(at_s // self.step_s) * self.step_s - day * DAY_S
        return last - self.step_s * np.arange(self.points - 1, -1, -1, dtype=np.float64)

    def windows(self, at_s: float) -> Iterator[tuple[int, NDArray[np.float64]]]:
        """Each day with its times: 0 is now, 1 is yesterday."""
        return ((day, self.times_s(at_s, day)) for day in range(self.days + 1))

    def cells(self, at_s: float, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """For each moment its cell, day × points + point; -1 for moments that no window covers."""
        back = int(at_s // self.step_s) - np.ceil(times_s / self.step_s).astype(np.int64)
        day, point = np.divmod(back, DAY_S // self.step_s)
        covered = (back >= 0) & (day <= self.days) & (point < self.points)
        return np.where(covered, day * self.points + (self.points - 1 - point), -1)
