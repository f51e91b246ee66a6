"""How queries are batched into calls, and which window a call requests."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apps.cloudwatch.collector.queries import MetricQuery

QUERIES_A_CALL: Final = 500
POINTS_A_CALL: Final = 100_800
"""Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"""
MAX_DELAY_S: Final = 600
"""Points that arrive later than this are missed."""


@dataclass(frozen=True, slots=True)
class QueryWindow:
    """The requested time, half-open, epoch seconds at period boundaries."""

    start_s: int
    end_s: int
    period_s: int

    @property
    def points(self) -> int:
        """The most points that one metric can have in it."""
        return (self.end_s - self.start_s) // self.period_s


def cycle_window(now_s: float, *, period_s: int, cycle_s: float) -> QueryWindow:
    """The window of a cycle at `now_s`: complete periods only.

    It reaches back MAX_DELAY_S plus one cycle, so a point that late is still seen. Its length costs nothing: AWS
    bills metrics, not points.
    """
    end_s = math.floor(now_s / period_s) * period_s
    back_s = math.ceil((MAX_DELAY_S + cycle_s + period_s) / period_s) * period_s
    return QueryWindow(end_s - back_s, end_s, period_s)


def batch_queries(queries: Sequence[MetricQuery], window: QueryWindow) -> tuple[tuple[MetricQuery, ...], ...]:
    """The queries in as few calls as the limits allow, in order.

    Raises ValueError: a single metric has more points than a call may return.
    """
    points = max(1, window.points)
    size = min(QUERIES_A_CALL, POINTS_A_CALL // points)
    if not size:
        raise ValueError(f"{points} points of one metric exceed the limit of {POINTS_A_CALL} per call")
    return tuple(tuple(queries[first : first + size]) for first in range(0, len(queries), size))
