"""The months for which a contract allows partitions."""

import datetime
from typing import Final

from apps.datasets.core.contract.contract import Contract

EPOCH: Final = datetime.date(1970, 1, 1)
MONTHS_AHEAD: Final = 13
"""Months after the current one, if the contract names no latest. The same as in anden_ensure_months."""


def month_start(day: datetime.date, *, shift: int = 0) -> datetime.date:
    """The first day of the day's month, shifted by this many months; the last day of all beyond the year 9999."""
    index = day.year * 12 + day.month - 1 + shift
    return datetime.date(index // 12, index % 12 + 1, 1) if index // 12 <= datetime.MAXYEAR else datetime.date.max


def month_bounds(contract: Contract, today: datetime.date) -> tuple[datetime.date, datetime.date]:
    """The first day of the earliest month, and the first day after the latest: half-open."""
    earliest = contract.earliest or EPOCH
    latest = contract.latest or month_start(today, shift=MONTHS_AHEAD)
    return earliest, month_start(latest, shift=1)
