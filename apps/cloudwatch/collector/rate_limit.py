"""When the next call may be sent: below CloudWatch's limit, and more slowly after it refused."""

from dataclasses import dataclass
from typing import Final

LIMIT_A_SECOND: Final = 50
"""Calls of GetMetricData that an account may send in a region. Source: "CloudWatch service quotas"."""
TRIES: Final = 6
"""How often a call is sent before it counts as given up."""


@dataclass(slots=True)
class TokenBucket:
    """Lets calls through so that any second sees at most `rate` + `burst` of them."""

    rate: float = 40.0
    burst: float = 9.0
    _tokens: float = 0.0
    _at_s: float | None = None

    def wait_s(self, now_s: float) -> float:
        """Take one token, and say how long to wait before the call is sent. A clock that goes back gives nothing."""
        gained = self.burst if self._at_s is None else max(0.0, now_s - self._at_s) * self.rate
        self._at_s = now_s
        self._tokens = min(self.burst, self._tokens + gained) - 1
        return max(0.0, -self._tokens) / self.rate


def backoff_s(failures: int, jitter: float) -> float:
    """How long to wait after so many failures in a row: 0.5 s doubled each time up to 20 s, a half of it by chance.

    `jitter` is drawn evenly from 0 to 1, so that two collectors do not meet again.
    """
    whole: float = min(20.0, 0.5 * 2 ** (failures - 1))
    return whole * (0.5 + jitter / 2)
