"""The system clock."""

import time


class SystemClock:
    """The time of this machine."""

    def monotonic_s(self) -> float:
        """Monotonic seconds."""
        return time.monotonic()

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000
