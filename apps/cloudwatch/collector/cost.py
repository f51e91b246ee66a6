"""The cost of GetMetricData: AWS bills metrics requested, not calls or points."""

import datetime
import math
from dataclasses import dataclass
from typing import Final

USD_PER_THOUSAND: Final = 0.01
"""US dollars per 1,000 metrics requested, November 2026, in all commercial regions.

Source: https://aws.amazon.com/cloudwatch/pricing/, "APIs". Andén counts every statistic of a metric separately; AWS
may count up to five as one, so a bill can be lower, never higher.
"""
DAYS: Final = 30
"""Days in the month of a plan."""


def usd(metrics: float) -> float:
    """The cost of this many requested metrics, US dollars."""
    return metrics / 1_000 * USD_PER_THOUSAND


def affordable(budget_usd: float) -> int:
    """How many metrics this budget pays for."""
    return math.floor(round(budget_usd * 1_000 / USD_PER_THOUSAND, 6))


def cycles(seconds: float, cycle_s: float) -> int:
    """How many cycles start within this many seconds."""
    return math.ceil(max(0.0, seconds) / cycle_s)


def forecast(metrics: int, *, cycle_s: float, days: float = DAYS) -> int:
    """Metrics requested in this many days, with this many per cycle."""
    return metrics * cycles(days * 86_400, cycle_s)


def month_of(now_s: float) -> datetime.date:
    """The first day of the calendar month, UTC."""
    return datetime.datetime.fromtimestamp(now_s, datetime.UTC).date().replace(day=1)


def month_end_s(month: datetime.date) -> float:
    """The end of the month, epoch seconds."""
    following = (month.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)
    return datetime.datetime.combine(following, datetime.time(), datetime.UTC).timestamp()


@dataclass(frozen=True, slots=True)
class MonthForecast:
    """Metrics requested so far and until the end of the month; `stops_s` is when the budget runs out, if it does."""

    spent: int
    until_end: int
    allowed: int
    stops_s: float | None

    @property
    def usd(self) -> float:
        """The cost of the month, US dollars; never more than the budget."""
        return usd(min(self.spent + self.until_end, max(self.allowed, self.spent)))


def month_forecast(spent: int, *, metrics: int, cycle_s: float, budget_usd: float, now_s: float) -> MonthForecast:
    """The forecast for this month, with this many metrics per cycle."""
    end_s = month_end_s(month_of(now_s))
    until_end = metrics * cycles(end_s - now_s, cycle_s)
    allowed = affordable(budget_usd)
    stops_s = None
    if spent + until_end > allowed and metrics:
        stops_s = now_s + max(0, allowed - spent) // metrics * cycle_s
    return MonthForecast(spent, until_end, allowed, stops_s)
