"""Deduplicates points: each is used once, however late it arrives."""

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from apps.cloudwatch.collector.queries import Point

MAX_POINTS: Final = 256
"""Points remembered per series: hours, whereas a window is minutes."""
STALE_PERIODS: Final = 3
"""A series without a point for this many periods has no current value."""


@dataclass(slots=True)
class PointBuffer:
    """The points of one series.

    It compares CloudWatch's timestamps only, so a local clock that jumps back makes no point new.
    """

    _seen: list[float] = field(default_factory=list)
    _floor_s: float = float("-inf")
    _requested_until_s: float = float("-inf")
    newest: Point | None = None

    def add(self, points: Iterable[Point], *, end_s: float) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
        """The new points, oldest first: timely ones and late ones.

        `end_s` is the end of the requested window. A point is late if an earlier response could have contained it.
        """
        timely: list[Point] = []
        late: list[Point] = []
        known = set(self._seen)
        for point in sorted(points):
            at_s = point[0]
            if at_s <= self._floor_s or at_s in known:
                continue
            known.add(at_s)
            insort(self._seen, at_s)
            (late if at_s < self._requested_until_s else timely).append(point)
            if self.newest is None or at_s > self.newest[0]:
                self.newest = point
        self._requested_until_s = max(self._requested_until_s, end_s)
        if len(self._seen) > MAX_POINTS:
            self._floor_s = self._seen[-MAX_POINTS - 1]
            del self._seen[:-MAX_POINTS]
        return tuple(timely), tuple(late)

    def current(self, *, now_s: float, period_s: int) -> Point | None:
        """The newest point, unless it is older than the last STALE_PERIODS full periods."""
        end_s = now_s // period_s * period_s
        if self.newest is None or self.newest[0] < end_s - STALE_PERIODS * period_s:
            return None
        return self.newest
