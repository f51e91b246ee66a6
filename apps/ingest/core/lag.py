"""How many seconds a position is behind, and since when an open transaction holds records back."""

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

    def reaches(self, offset: int) -> bool:
        """Whether the history goes back to before a record was at this offset."""
        return bool(self._seen) and self._seen[0][1] <= offset

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


class HeldBackHistory:
    """Since when an open transaction holds back the records of a partition.

    Consumers that read committed records stop at the last stable offset, where the oldest open transaction begins. The
    partition ends at its high watermark.
    """

    def __init__(self) -> None:
        self._highs = EndHistory()
        self._stable: int | None = None
        self._since_s = 0.0

    def note(self, now_s: float, *, stable: int, high: int) -> None:
        """Record the current offsets."""
        if high <= stable:
            # Nothing is held back. The next transaction begins at `high` or later, so earlier ends are not needed.
            self._highs, self._stable = EndHistory(), None
        self._highs.note(now_s, high)

    def must_look_up(self, stable: int) -> bool:
        """Whether only the record at this offset can tell since when: it is older than the history."""
        return self._stable != stable and not self._highs.reaches(stable)

    def since_s(self, stable: int, *, now_s: float, written_s: float | None = None) -> float:
        """Since when records are held back at this offset, seconds since 1970; the same until the offset moves.

        `written_s` is the timestamp of the record there. Producers set it, so it counts only if the history does not
        go back that far.
        """
        if self._stable != stable:
            behind_s = self._highs.seconds_behind(stable, now_s=now_s, last_stored_s=written_s)
            self._stable, self._since_s = stable, now_s - behind_s
        return self._since_s
