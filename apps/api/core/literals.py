"""From the text in an address to the text that PostgreSQL casts: checked so that no cast can fail."""

import base64
import binascii
import datetime
import re
import struct
import uuid
from collections.abc import Callable
from typing import Final

from apps.datasets.core.types import ColumnType, TypeSpec

WHOLE: Final = re.compile(r"[+-]?[0-9]{1,99}")
NUMBER: Final = re.compile(r"[+-]?(?=\.?[0-9])[0-9]{0,9999}(\.[0-9]{0,9999})?([eE][+-]?[0-9]{1,3})?")
LONG_NUMBER: Final = re.compile(r"[+-]?(?=\.?[0-9])[0-9]*+(\.[0-9]*+)?([eE][+-]?[0-9]+)?")
LOST_PLUS: Final = re.compile(r"(T[0-9:.]+) ([0-9]{2}:?[0-9]{2})")
"""A plus sign that was not escaped in an address arrives as a space."""


def literal(kind: ColumnType, text: str) -> str:
    """The value as PostgreSQL reads it without fail when cast to the type's name.

    Raises ValueError: the message is the rule that the text breaks, without the text.
    """
    if kind.array or kind.spec.name not in READERS:
        raise ValueError(f"values of type {kind.sql} cannot be compared")
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("text with U+0000 or half a surrogate pair, which cannot be stored")
    return READERS[kind.spec.name](kind.spec, text)


def stored_literal(kind: ColumnType, text: str) -> str:
    """The same of a value that PostgreSQL wrote: it may have more digits than anybody can ask for."""
    return text if kind.spec.name == "numeric" else literal(kind, text)


def _whole(spec: TypeSpec, text: str) -> str:
    if not WHOLE.fullmatch(text):
        raise ValueError("not a whole number")
    number = int(text)
    if (spec.low is not None and number < spec.low) or (spec.high is not None and number > spec.high):
        raise ValueError(f"not between {spec.low} and {spec.high}")
    return str(number)


def _number(_spec: TypeSpec, text: str) -> str:
    if NUMBER.fullmatch(text):
        return text
    if LONG_NUMBER.fullmatch(text):
        raise ValueError("not a number of at most 9,999 digits before and after its point, and 3 in its exponent")
    raise ValueError("not a number")


def _double(spec: TypeSpec, text: str) -> str:
    number = float(_number(spec, text))
    if number in {float("inf"), float("-inf")}:
        raise ValueError("larger than a double can be")
    return repr(number)


def _real(spec: TypeSpec, text: str) -> str:
    try:
        single: float = struct.unpack("<f", struct.pack("<f", float(_double(spec, text))))[0]
    except OverflowError:
        raise ValueError("larger than a real can be") from None
    return repr(single)


def _boolean(_spec: TypeSpec, text: str) -> str:
    if text not in {"true", "false"}:
        raise ValueError("not true or false")
    return text


def _text(_spec: TypeSpec, text: str) -> str:
    return text


def _uuid(_spec: TypeSpec, text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise ValueError("not a UUID") from None


def _bytes(_spec: TypeSpec, text: str) -> str:
    try:
        return "\\x" + base64.b64decode(text.replace(" ", "+"), validate=True).hex()
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None


def _date(_spec: TypeSpec, text: str) -> str:
    try:
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("not a date such as 2013-01-31") from None


def _time(_spec: TypeSpec, text: str) -> str:
    try:
        value = datetime.time.fromisoformat(text)
    except ValueError:
        value = None
    if value is None or value.tzinfo is not None:
        raise ValueError("not a time of day such as 05:30:00")
    return value.isoformat()


def _moment(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(LOST_PLUS.sub(r"\1+\2", text))
    except ValueError:
        raise ValueError("not a time such as 2013-01-31T05:00:00Z") from None


def _instant(_spec: TypeSpec, text: str) -> str:
    value = _moment(text)
    try:
        return (value if value.tzinfo else value.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC).isoformat()
    except OverflowError:
        raise ValueError("outside of the years 1 to 9999") from None


def _wall_time(_spec: TypeSpec, text: str) -> str:
    value = _moment(text)
    if value.tzinfo is not None:
        raise ValueError("has an offset, and the column keeps none")
    return value.isoformat()


READERS: Final[dict[str, Callable[[TypeSpec, str], str]]] = {
    "smallint": _whole,
    "integer": _whole,
    "bigint": _whole,
    "numeric": _number,
    "real": _real,
    "double precision": _double,
    "boolean": _boolean,
    "text": _text,
    "varchar": _text,
    "uuid": _uuid,
    "bytea": _bytes,
    "date": _date,
    "time": _time,
    "timestamptz": _instant,
    "timestamp": _wall_time,
}
"""By the type's name. jsonb is missing: it has no order, so nothing can be filtered by it."""
