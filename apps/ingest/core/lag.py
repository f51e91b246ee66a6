"""How many seconds a position is behind the end of its partition."""

from bisect import bisect_right
from collections import deque
from typing import Final

KEPT_S: Final = 3_600.0
"""How long end offsets are remembered."""


class EndHistory:
    """The end offsets of a partition over time; times and offsets only increase."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, now_s: float, end: int) -> None:
        """Record the current end offset. An unchanged end keeps its first time."""
        if self._seen and end < self._seen[-1][1]:
            # The topic was created again, so the history is meaningless.
            self._seen.clear()
        if not self._seen or end > self._seen[-1][1]:
            self._seen.append((now_s, end))
        while len(self._seen) > 2 and self._seen[1][0] < now_s - KEPT_S:
            self._seen.popleft()

    def seconds_behind(self, next_offset: int, *, now_s: float, last_stored_s: float | None) -> float:
        """Seconds since the partition grew past the position; 0 if it has not.

        If the position is older than the history, the time of the last stored record counts. Without one, the age of
        the history is a lower bound.
        """
        if not self._seen or next_offset >= self._seen[-1][1]:
            return 0.0
        ends = [end for _, end in self._seen]
        index = bisect_right(ends, next_offset)
        if index > 0:
            return max(0.0, now_s - self._seen[index][0])
        oldest_s = now_s - self._seen[0][0]
        return max(oldest_s, now_s - last_stored_s) if last_stored_s is not None else oldest_s
