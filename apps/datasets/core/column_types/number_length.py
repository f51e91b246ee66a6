r"""How long PostgreSQL writes a number: `numeric` and `jsonb` keep 1e4000 in a few bytes and write 4,001 digits.

A number is bounded by what clients can read, a record by what it grows to: else one small record makes the pages
that hold it too large for everybody.
"""

import decimal
import re
from typing import Any, Final, NamedTuple

import msgspec
import re2

MAX_DIGITS: Final = 4_300
"""Digits of one number as it is written out. Source: int() of a text in Python's clients."""
SPARE_BYTES: Final = 64 * 1024
MAX_GROWTH: Final = 4
"""All numbers of a record together may have SPARE_BYTES digits, and MAX_GROWTH for each byte of the record."""

SHORT_DIGITS: Final = 16
"""An exponent up to here writes at most MAX_GROWTH digits a byte."""
DIGITS_SQL: Final = (
    "CASE WHEN {0} NOT BETWEEN -1e1000 AND 1e1000 THEN 131074 + coalesce(scale({0}), 0) "
    "WHEN scale({0}) > 1000 THEN 1002 + scale({0}) ELSE octet_length(({0})::text) END"
)
"""The length of a number as SQL, long ones not written: never less, and at most 131,074 more."""
_SCALAR_DIGITS: Final = 100
"""The numbers of as many fields as a contract may have, 500, each of these digits, are fewer than the spare bytes."""
_SHORT_RECORD: Final = SPARE_BYTES // 20
"""In a record of these bytes exponents below 100 cannot add up: each takes five bytes and writes 100 digits."""
_MAX_EXPONENT: Final = 9
"""Digits of an exponent that is reckoned with; PostgreSQL takes no more either."""

_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NUMBER: Final = re.compile(rb"([0-9]++)(?:\.([0-9]++))?+(?:[eE]\+?+(-?+)0*+([0-9]*+))?+")


class DigitCount(NamedTuple):
    """Digits of the longest number in a value, and of all."""

    longest: int = 0
    total: int = 0

    def combined(self, other: "DigitCount") -> "DigitCount":
        """Of two values together."""
        return DigitCount(max(self.longest, other.longest), self.total + other.total)


def may_exceed(text: bytes, record_bytes: int) -> bool:
    """Whether raw JSON of one record or many, none larger than these bytes, needs `written_length`.

    False means that no number is longer than MAX_DIGITS, and that those of each record are within its bounds.
    Strings are told from numbers; the cost is 2 ns a byte.
    """
    gate = _ANY_EXPONENT if record_bytes > _SHORT_RECORD else _LONG_EXPONENT
    return gate.match(text) is not None


def may_be_long(value: Any, record_bytes: int) -> bool:
    """The same of one value: of raw JSON, of `numeric`, or of an array of it."""
    if isinstance(value, decimal.Decimal):
        return "E" in str(value) and digits(value) > _SCALAR_DIGITS
    if isinstance(value, msgspec.Raw):
        return may_exceed(bytes(value), record_bytes)
    numbers = [str(item) for item in value] if isinstance(value, list) else []
    return any("E" in text and digits(decimal.Decimal(text)) > SHORT_DIGITS for text in numbers)


def too_long(what: str) -> str:
    """The rule that a number of too many digits breaks."""
    return f"holds {what} that is written with more than {MAX_DIGITS} digits"


def digits(number: decimal.Decimal) -> int:
    """How many digits PostgreSQL writes for the finite number."""
    before = number.adjusted() + 1 if number else 1
    return max(1, before) + max(0, -int(number.as_tuple().exponent))


def written_length(value: Any) -> DigitCount:
    """The numbers of a value of `numeric`, of an array of them, or of raw JSON; none in anything else."""
    if isinstance(value, decimal.Decimal):
        return DigitCount(digits(value), digits(value))
    if isinstance(value, msgspec.Raw):
        return _in_json(bytes(value))
    length = DigitCount()
    if isinstance(value, list):
        for item in value:
            length = length.combined(written_length(item))
    return length


def _in_json(text: bytes) -> DigitCount:
    longest = total = 0
    for number in _NUMBER.finditer(_STRING.sub(b"", text)):
        size = _digits(*number.groups(b""))
        longest, total = max(longest, size), total + size
        if longest > MAX_DIGITS:
            break
    return DigitCount(longest, total)


def _digits(whole: bytes, part: bytes, minus: bytes, exponent: bytes) -> int:
    if len(exponent) > _MAX_EXPONENT:
        return MAX_DIGITS + 1
    shift = int(minus + (exponent or b"0"))
    zeros = len(part) - len(part.lstrip(b"0"))
    if whole == b"0" and zeros == len(part):
        return 1 + max(0, len(part) - shift)
    before = shift - zeros if whole == b"0" else shift + len(whole)
    return max(1, before) + max(0, len(part) - shift)


def _gate(exponent: bytes) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    outside = rb'(?s)(?:[^"]|"(?:[^"\\]|\\.)*")*?'
    return re2.compile(outside + rb"(?:[0-9][eE][+-]?" + exponent + rb"|[0-9]{100})", options)


_LONG_EXPONENT: Final = _gate(rb"0*[1-9][0-9]{2}")
_ANY_EXPONENT: Final = _gate(rb"[0-9]{2}")
