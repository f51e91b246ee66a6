"""The time of an upsert: a record's timestamp, raised to the running maximum of its source.

Within a source the higher offset thus never has the lower time, so any order of arrival ends the same.
"""

import datetime
from typing import Final

EPOCH: Final = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
FUTURE_MS: Final = 60_000
"""How far ahead of the worker's clock a timestamp may be: one from the year 9999 would win for ever."""

NO_TIMESTAMP: Final = 0
"""The kind of a timestamp that is none, in the Kafka client's words."""


def next_watermark(timestamp: tuple[int, int], *, watermark_ms: int | None, now_ms: int) -> int:
    """The time of the next record of a source, given the running maximum so far."""
    kind, stamp_ms = timestamp
    usable = kind != NO_TIMESTAMP and stamp_ms >= 0
    at_ms = min(stamp_ms, now_ms + FUTURE_MS) if usable else 0
    return max(at_ms, watermark_ms) if watermark_ms is not None else (at_ms if usable else now_ms)


def watermark_time(at_ms: int) -> datetime.datetime:
    """The moment of a mark, in UTC."""
    return EPOCH + datetime.timedelta(milliseconds=at_ms)


def watermark_ms(moment: datetime.datetime | None) -> int | None:
    """The mark of a moment, milliseconds since 1970; None for None."""
    return None if moment is None else (moment - EPOCH) // datetime.timedelta(milliseconds=1)
