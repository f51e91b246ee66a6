"""What asking costs: AWS bills the metrics requested, not the calls and not the points."""

import datetime
import math
from dataclasses import dataclass
from typing import Final

USD_PER_THOUSAND: Final = 0.01
"""US dollars for 1,000 metrics requested by GetMetricData, November 2026, in all commercial regions.

Source: https://aws.amazon.com/cloudwatch/pricing/, "APIs". Each metric in each statistic counts as one here; AWS may
count up to five statistics of one metric as one, so a bill can be lower, never higher.
"""
DAYS: Final = 30
"""Days of the month that a plan speaks of."""


def usd(metrics: float) -> float:
    """What so many metrics requested cost, US dollars."""
    return metrics / 1_000 * USD_PER_THOUSAND


def affordable(budget_usd: float) -> int:
    """How many metrics may be requested for so many dollars."""
    return math.floor(round(budget_usd * 1_000 / USD_PER_THOUSAND, 6))


def cycles(seconds: float, cycle_s: float) -> int:
    """Cycles that begin within so many seconds."""
    return math.ceil(max(0.0, seconds) / cycle_s)


def forecast(metrics: int, *, cycle_s: float, days: float = DAYS) -> int:
    """Metrics requested in so many days, when each cycle asks for so many."""
    return metrics * cycles(days * 86_400, cycle_s)


def month_of(now_s: float) -> datetime.date:
    """The first day of the calendar month, UTC."""
    return datetime.datetime.fromtimestamp(now_s, datetime.UTC).date().replace(day=1)


def month_end_s(month: datetime.date) -> float:
    """When the month ends, epoch seconds."""
    following = (month.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
    return datetime.datetime.combine(following, datetime.time(), datetime.UTC).timestamp()


@dataclass(frozen=True, slots=True)
class MonthForecast:
    """How this month will end: metrics requested until then, and when the budget stops it; None: it does not."""

    spent: int
    until_end: int
    allowed: int
    stops_s: float | None

    @property
    def usd(self) -> float:
        """What the month will have cost, US dollars; never more than the budget."""
        return usd(min(self.spent + self.until_end, max(self.allowed, self.spent)))


def month_forecast(spent: int, *, metrics: int, cycle_s: float, budget_usd: float, now_s: float) -> MonthForecast:
    """What is to be expected of the month, when each cycle asks for so many metrics."""
    end_s = month_end_s(month_of(now_s))
    until_end = metrics * cycles(end_s - now_s, cycle_s)
    allowed = affordable(budget_usd)
    stops_s = None
    if spent + until_end > allowed and metrics:
        stops_s = now_s + max(0, allowed - spent) // metrics * cycle_s
    return MonthForecast(spent, until_end, allowed, stops_s)
