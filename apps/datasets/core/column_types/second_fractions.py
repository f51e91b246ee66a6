"""Fractions of a second: PostgreSQL keeps six digits. Longer ones are cut and never rounded up, so that no event moves
into the next second, day or month."""

import datetime
import re
from abc import ABCMeta
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
import re2

BACKSLASH: Final = b"\\"
_KEPT: Final = 6
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


def cut_kind(python: type, *, tz: bool) -> tuple[type, Callable[[str], Any]]:
    """A class for msgspec whose values are those of `python`, and the function that reads and cuts one.

    It costs a microsecond a value, but not a second look at the record. The function raises ValueError.
    """
    kind = ABCMeta(f"Cut{python.__name__.title()}", (), {})
    kind.register(python)
    annotated: Any = Annotated[python, msgspec.Meta(tz=tz)]

    def read(text: str) -> Any:
        point = text.find(".") + 1
        end = point + _KEPT
        if point and text[point : end + 1].isdigit() and len(text) > end:
            text = text[:end] + text[end:].lstrip("0123456789")
        try:
            return msgspec.convert(text, annotated)
        except msgspec.ValidationError as error:
            raise ValueError(str(error)) from None

    return kind, read


INSTANT: Final = cut_kind(datetime.datetime, tz=True)
WALL_TIME: Final = cut_kind(datetime.datetime, tz=False)
TIME_OF_DAY: Final = cut_kind(datetime.time, tz=False)
