"""Validates the text of a value and returns the text that PostgreSQL casts, so that no cast can fail.

Each function raises ValueError: the message is the violated rule, without the text.
"""

import base64
import binascii
import datetime
import re
import struct
from collections.abc import Callable
from typing import Any, Final

INTEGER: Final = re.compile(r"[+-]?[0-9]{1,99}")
NUMBER: Final = re.compile(r"[+-]?(?=\.?[0-9])[0-9]{0,9999}(\.[0-9]{0,9999})?([eE][+-]?[0-9]{1,3})?")
LONG_NUMBER: Final = re.compile(r"[+-]?(?=\.?[0-9])[0-9]*+(\.[0-9]*+)?([eE][+-]?[0-9]+)?")
LOST_PLUS: Final = re.compile(r"(T[0-9:.]+) ([0-9]{2}:?[0-9]{2})")
"""An unescaped plus sign in a URL arrives as a space."""

Literal = Callable[[str], str]


def parsed(read: Callable[[str], Any], rule: str) -> Literal:
    """The text of `read`'s result; `read` raises ValueError if the rule is violated."""

    def literal(text: str) -> str:
        try:
            return str(read(text))
        except ValueError:
            raise ValueError(rule) from None

    return literal


def integer(low: int, high: int) -> Literal:
    """An integer within these bounds, both inclusive."""

    def literal(text: str) -> str:
        if not INTEGER.fullmatch(text):
            raise ValueError("not a whole number")
        number = int(text)
        if not low <= number <= high:
            raise ValueError(f"not between {low} and {high}")
        return str(number)

    return literal


def number(text: str) -> str:
    """A number of any size that PostgreSQL supports."""
    if NUMBER.fullmatch(text):
        return text
    if LONG_NUMBER.fullmatch(text):
        raise ValueError("not a number of at most 9,999 digits before and after its point, and 3 in its exponent")
    raise ValueError("not a number")


def double(text: str) -> str:
    """A number, as the nearest double."""
    value = float(number(text))
    if value in {float("inf"), float("-inf")}:
        raise ValueError("larger than a double can hold")
    return repr(value)


def real(text: str) -> str:
    """A number, as the nearest 4-byte float."""
    try:
        single: float = struct.unpack("<f", struct.pack("<f", float(double(text))))[0]
    except OverflowError:
        raise ValueError("larger than a real can hold") from None
    return repr(single)


def boolean(text: str) -> str:
    """True or false."""
    if text not in {"true", "false"}:
        raise ValueError("not true or false")
    return text


def base64_bytes(text: str) -> str:
    """Bytes in Base64."""
    try:
        return "\\x" + base64.b64decode(text.replace(" ", "+"), validate=True).hex()
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None


def base64_json(literal: str) -> bytes:
    """A literal's bytes as JSON."""
    return b'"' + base64.b64encode(bytes.fromhex(literal[2:])) + b'"'


def time_of_day(text: str) -> str:
    """A time without an offset."""
    try:
        value = datetime.time.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.tzinfo is not None:
        raise ValueError("not a time of day such as 05:30:00")
    return value.isoformat()


def instant(text: str) -> str:
    """A timestamp in UTC, which is also the default offset."""
    value = _moment(text)
    try:
        return (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC).isoformat()
    except OverflowError:
        raise ValueError("outside the years 1 to 9999") from None


def wall_time(text: str) -> str:
    """A date and time without an offset."""
    value = _moment(text)
    if value.tzinfo is not None:
        raise ValueError("has an offset, but the column stores none")
    return value.isoformat()


def _moment(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(LOST_PLUS.sub(r"\1+\2", text))
    except ValueError:
        raise ValueError("not a time such as 2013-01-31T05:00:00Z") from None
