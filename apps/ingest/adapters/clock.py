"""The machine's clock."""

import time


class SystemClock:
    """The time as this machine has it."""

    def monotonic_s(self) -> float:
        """Seconds that only rise."""
        return time.monotonic()

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return time.time_ns() // 1_000_000
