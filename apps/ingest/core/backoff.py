"""Timers: exponential backoff after failures, and periodic work."""

from typing import Final

FIRST_S: Final = 0.2
LONGEST_S: Final = 15.0


class Backoff:
    """Pauses that double from the first to the longest, and reset after a success.

    There is no jitter: each worker opens a single connection, so retries in step do not overload the server.
    """

    def __init__(self, *, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s
        self.until_s = float("-inf")

    def failed(self, now_s: float, *, at_least_s: float = 0.0, at_most_s: float = float("inf")) -> float:
        """Start a pause; return its length in seconds."""
        pause_s = min(max(self._next_s, at_least_s), at_most_s)
        self._next_s = min(self._next_s * 2, self._longest_s)
        self.until_s = now_s + pause_s
        return pause_s

    def succeeded(self) -> None:
        """Reset."""
        self._next_s = self._first_s
        self.until_s = float("-inf")

    def waits(self, now_s: float) -> bool:
        """Whether the pause is still running."""
        return now_s < self.until_s


class Interval:
    """Work that is due every so many seconds, and immediately the first time."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._last_s = float("-inf")

    def due(self, now_s: float) -> bool:
        """Whether the work is due; if so, the next interval starts now."""
        if now_s - self._last_s < self._every_s:
            return False
        self._last_s = now_s
        return True

    def make_due(self) -> None:
        """Make the next call of `due` return True."""
        self._last_s = float("-inf")
