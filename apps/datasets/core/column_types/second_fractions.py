"""Fractions of a second: PostgreSQL keeps six digits. Longer ones are cut and never rounded up, so that no event moves
into the next second, day or month."""

import re
from typing import Final

import msgspec
import re2

BACKSLASH: Final = b"\\"
_SEVEN_DECIMALS: Final = re2.compile(rb"\.[0-9]{7}")
_LONG: Final = re.compile(rb"(:[0-9]{2}\.[0-9]{6})[0-9]+")
_ESCAPED: Final = re.compile(rb"\\u00(?:3[0-9aA]|2[eE])")
"""A digit, a point or a colon as an escape."""


def may_be_long(text: bytes) -> bool:
    """Whether JSON may contain a time with more than six digits of a second."""
    # A point is rare enough to be found at once; RE2 jumps from one to the next.
    if b"." in text and _SEVEN_DECIMALS.search(text) and _LONG.search(text):
        return True
    return BACKSLASH in text and _ESCAPED.search(text) is not None


def cut_fractions(text: bytes) -> bytes:
    """The JSON of a time, or of an array of times, with at most six digits of a second."""
    if BACKSLASH in text:
        try:
            text = msgspec.json.encode(msgspec.json.decode(text))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return text
    return _LONG.sub(rb"\1", text)
