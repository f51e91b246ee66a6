"""The time of an upsert: a record's timestamp, raised to the running maximum of its source.

Within a source a higher offset thus never has a lower time, so the result does not depend on the order of arrival.
"""

import datetime
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
FUTURE_MS: Final = 60_000
"""How far ahead of the worker's clock a timestamp may be. Otherwise one from the year 9999 would win for good."""

_EXACT_MS: Final = 4 * 10**12
"""Until the year 2096, a double of seconds is exact to the microsecond."""

NO_TIMESTAMP: Final = 0
"""The Kafka client's timestamp type for a record without a timestamp."""


def next_watermark(timestamp: tuple[int, int], *, watermark_ms: int | None, now_ms: int) -> int:
    """The watermark after a record, given the watermark before it (None: no record yet)."""
    stamp_type, stamp_ms = timestamp
    usable = stamp_type != NO_TIMESTAMP and stamp_ms >= 0
    at_ms = min(stamp_ms, now_ms + FUTURE_MS) if usable else 0
    return max(at_ms, watermark_ms) if watermark_ms is not None else (at_ms if usable else now_ms)


def watermarks(timestamps: Sequence[tuple[int, int]], *, watermark_ms: int | None, now_ms: int) -> list[int]:
    """The watermark after each of these records, at least one: `next_watermark` for many, at a third of its cost."""
    first = next_watermark(timestamps[0], watermark_ms=watermark_ms, now_ms=now_ms)
    latest = now_ms + FUTURE_MS
    stamps = [min(at_ms, latest) if kind != NO_TIMESTAMP and at_ms >= 0 else 0 for kind, at_ms in timestamps[1:]]
    return list(accumulate(stamps, max, initial=first))


def watermark_time(at_ms: int) -> datetime.datetime:
    """A watermark as an aware datetime in UTC."""
    if at_ms < _EXACT_MS:
        # Takes a quarter of the time.
        return datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)
    return EPOCH + datetime.timedelta(milliseconds=at_ms)


def watermark_ms(moment: datetime.datetime | None) -> int | None:
    """A datetime as a watermark: milliseconds since 1970; None for None."""
    return None if moment is None else (moment - EPOCH) // datetime.timedelta(milliseconds=1)
