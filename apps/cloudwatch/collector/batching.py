"""How queries are put into calls, and which time a call asks for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from apps.cloudwatch.collector.queries import MetricQuery

QUERIES_A_CALL: Final = 500
POINTS_A_CALL: Final = 100_800
"""Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html"""
LATE_S: Final = 600
"""How late a point may come and is still taken over."""


@dataclass(frozen=True, slots=True)
class QueryWindow:
    """The time that is asked for, half-open, epoch seconds on whole periods."""

    start_s: int
    end_s: int
    period_s: int

    @property
    def points(self) -> int:
        """Points that one metric has in it at most."""
        return (self.end_s - self.start_s) // self.period_s


def cycle_window(now_s: float, *, period_s: int, cycle_s: float) -> QueryWindow:
    """The time that a cycle at `now_s` asks for: whole periods alone.

    A point that comes late by up to LATE_S is visible at the latest one cycle after that: so far back it reaches.
    Its length costs nothing, since AWS bills metrics, not points.
    """
    end_s = math.floor(now_s / period_s) * period_s
    back_s = math.ceil((LATE_S + cycle_s + period_s) / period_s) * period_s
    return QueryWindow(end_s - back_s, end_s, period_s)


def batch_queries(queries: Sequence[MetricQuery], window: QueryWindow) -> tuple[tuple[MetricQuery, ...], ...]:
    """The queries in as few calls as the limits allow, in their order.

    Raises ValueError: one metric alone has more points than a call may return.
    """
    points = max(1, window.points)
    size = min(QUERIES_A_CALL, POINTS_A_CALL // points)
    if not size:
        raise ValueError(f"{points} points of one metric are more than the {POINTS_A_CALL} of a call")
    return tuple(tuple(queries[first : first + size]) for first in range(0, len(queries), size))
