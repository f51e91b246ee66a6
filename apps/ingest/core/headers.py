"""The headers of a record, even if a name is not UTF-8.

Kafka defines a header's name as a string, but no broker validates it. On an invalid name the client raises
SystemError, leaves NULL in its place, and returns the same list on the next call. Reading that name crashes the
process.
"""

import gc
from collections.abc import Callable, Sequence
from contextlib import suppress
from operator import methodcaller
from typing import Final

from apps.ingest.core.records import ConsumerRecord

Header = tuple[str | bytes | None, bytes | None]
"""Name and value; the name is bytes if it is not UTF-8, None if the client does not report it."""

# CPython specializes a plain method call after some iterations and then no longer checks whether an error is set.
_read: Final[Callable[[ConsumerRecord], Sequence[Header] | None]] = methodcaller("headers")

UNREADABLE: Header = (None, None)
"""Replaces the headers of a record if the client returns none of them."""


def record_headers(record: ConsumerRecord) -> Sequence[Header]:
    """The headers, in order. Never raises and is safe to call again.

    The client reports only the first name that is not UTF-8; for any further one only the value is known.
    """
    try:
        return _read(record) or ()
    except Exception as error:  # noqa: BLE001  the client may raise any class
        headers = _without_null(record, _undecoded(error))
    with suppress(Exception):
        # Replaces the list that crashes the process.
        methodcaller("set_headers", headers)(record)
    return headers


def _without_null(record: ConsumerRecord, name: bytes | None) -> list[Header]:
    """The headers of the client's second answer, with `name` in place of the first NULL."""
    try:
        pairs = _read(record) or ()
    except Exception:  # noqa: BLE001
        return [UNREADABLE]
    headers: list[Header] = []
    for pair in pairs:
        # Python code cannot test for NULL; the garbage collector skips it.
        if len(gc.get_referents(pair)) == 2:
            headers.append(pair)
        else:
            headers.append((name, pair[1]))
            name = None
    return headers


def _undecoded(error: BaseException | None) -> bytes | None:
    """The undecodable bytes, from the innermost cause."""
    found: bytes | None = None
    while error is not None:
        if isinstance(error, UnicodeDecodeError):
            found = error.object
        error = error.__cause__ or error.__context__
    return found
