"""The headers of a record, also where a name is not UTF-8.

Kafka calls a header's name a string, and no broker checks it. The client answers with SystemError, keeps NULL in the
place of the name, and hands the same list out at the next call: to read that name is the end of the process.
"""

import gc
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import methodcaller
from typing import Final

from apps.ingest.core.records import ConsumerRecord

Header = tuple[str | bytes | None, bytes | None]
"""Name and value; the name is bytes where it is not UTF-8, None where the client does not say it."""

# A call in Python's own words is specialized after some turns, and then looks no more whether an error was set.
_read: Final[Callable[[ConsumerRecord], Sequence[Header] | None]] = methodcaller("headers")

UNREADABLE: Header = (None, None)
"""Stands for all headers of a record whose client does not hand out any."""


def record_headers(record: ConsumerRecord) -> Sequence[Header]:
    """The headers, in order; never raises, and safe to call again.

    The client names one of the names that are not UTF-8, the first; of further ones only the values are known.
    """
    try:
        return _read(record) or ()
    except Exception as error:  # noqa: BLE001  the client's own fault, whatever its class
        headers = _without_null(record, _undecoded(error))
    with suppress(Exception):
        # From now on the record has a list that can be read.
        methodcaller("set_headers", headers)(record)
    return headers


def _without_null(record: ConsumerRecord, name: bytes | None) -> list[Header]:
    """The headers as the client tells them the second time, with this name in the first place that has none."""
    try:
        pairs = _read(record) or ()
    except Exception:  # noqa: BLE001
        return [UNREADABLE]
    headers: list[Header] = []
    for pair in pairs:
        # The collector passes over NULL, which no expression of Python's can be asked about.
        if len(gc.get_referents(pair)) == 2:
            headers.append(pair)
        else:
            headers.append((name, pair[1]))
            name = None
    return headers


def _undecoded(error: BaseException | None) -> bytes | None:
    """The bytes that could not be decoded, from the innermost cause."""
    found: bytes | None = None
    while error is not None:
        if isinstance(error, UnicodeDecodeError):
            found = error.object
        error = error.__cause__ or error.__context__
    return found
