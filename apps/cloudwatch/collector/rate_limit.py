"""When to send the next call: below CloudWatch's rate limit, with backoff after failures."""

from dataclasses import dataclass
from typing import Final

LIMIT_A_SECOND: Final = 50
"""GetMetricData calls that an account may send per region. Source: "CloudWatch service quotas"."""
TRIES: Final = 6
"""Attempts per call."""


@dataclass(slots=True)
class TokenBucket:
    """Limits calls to `rate` + `burst` in any second."""

    rate: float = 40.0
    burst: float = 9.0
    _tokens: float = 0.0
    _at_s: float | None = None

    def wait_s(self, now_s: float) -> float:
        """Take one token and return the seconds to wait before sending. A clock that jumps back adds no tokens."""
        gained = self.burst if self._at_s is None else max(0.0, now_s - self._at_s) * self.rate
        self._at_s = now_s
        self._tokens = min(self.burst, self._tokens + gained) - 1
        return max(0.0, -self._tokens) / self.rate


def backoff_s(failures: int, jitter: float) -> float:
    """Seconds to wait after this many consecutive failures: 0.5 s, doubled up to 20 s, half of it jitter.

    `jitter` is uniform in [0, 1], so that concurrent collectors spread out.
    """
    longest: float = min(20.0, 0.5 * 2 ** (failures - 1))
    return longest * (0.5 + jitter / 2)
