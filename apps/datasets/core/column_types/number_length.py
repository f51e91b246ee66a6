r"""The printed length of numbers: `numeric` and `jsonb` store 1e4000 in a few bytes and print 4,001 digits.

Numbers are limited to what clients can parse, records to what they expand to: otherwise one small record makes every
page that contains it too large.
"""

import decimal
import re
from typing import Any, Final, NamedTuple

import msgspec
import re2

MAX_DIGITS: Final = 4_300
"""Maximum digits of one number when printed. Source: int() of a text in Python's clients."""
SPARE_BYTES: Final = 64 * 1024
MAX_GROWTH: Final = 4
"""All numbers of a record together may have SPARE_BYTES digits, plus MAX_GROWTH for each byte of the record."""

SHORT_DIGITS: Final = 16
"""An exponent up to this prints at most MAX_GROWTH digits per byte."""
DIGITS_SQL: Final = (
    "CASE WHEN {0} NOT BETWEEN -1e1000 AND 1e1000 THEN 131074 + coalesce(scale({0}), 0) "
    "WHEN scale({0}) > 1000 THEN 1002 + scale({0}) ELSE octet_length(({0})::text) END"
)
"""The length of a number in SQL, without printing long ones: never less, and at most 131,074 more."""
_SCALAR_DIGITS: Final = 100
"""The numbers of 500 fields, a contract's maximum, with this many digits each stay below the spare bytes."""
_SHORT_RECORD: Final = SPARE_BYTES // 20
"""In a record of this size, exponents below 100 cannot exceed it: each takes five bytes and prints 100 digits."""
_MAX_EXPONENT: Final = 9
"""Maximum digits of an exponent that is evaluated; PostgreSQL's limit is no higher."""

_STRING: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_NUMBER: Final = re.compile(rb"([0-9]++)(?:\.([0-9]++))?+(?:[eE]\+?+(-?+)0*+([0-9]*+))?+")


class DigitCount(NamedTuple):
    """Digits of the longest number in a value, and of all numbers."""

    longest: int = 0
    total: int = 0

    def combined(self, other: "DigitCount") -> "DigitCount":
        """The count of both values together."""
        return DigitCount(max(self.longest, other.longest), self.total + other.total)


def may_exceed(text: bytes, record_bytes: int) -> bool:
    """Whether raw JSON of one record or several, none larger than this, needs `written_length`.

    False means that no number is longer than MAX_DIGITS and that each record is within its limit. Skips strings; costs
    2 ns a byte.
    """
    gate = _ANY_EXPONENT if record_bytes > _SHORT_RECORD else _LONG_EXPONENT
    return gate.match(text) is not None


def may_be_long(value: Any, record_bytes: int) -> bool:
    """The same for one value: raw JSON, `numeric`, or an array of it."""
    if isinstance(value, decimal.Decimal):
        return "E" in str(value) and digits(value) > _SCALAR_DIGITS
    if isinstance(value, msgspec.Raw):
        return may_exceed(bytes(value), record_bytes)
    numbers = [str(item) for item in value] if isinstance(value, list) else []
    return any("E" in text and digits(decimal.Decimal(text)) > SHORT_DIGITS for text in numbers)


def too_long(what: str) -> str:
    """The rule that a number with too many digits violates."""
    return f"contains {what} that prints more than {MAX_DIGITS} digits"


def digits(number: decimal.Decimal) -> int:
    """Number of digits that PostgreSQL prints for the finite number."""
    before = number.adjusted() + 1 if number else 1
    return max(1, before) + max(0, -int(number.as_tuple().exponent))


def written_length(value: Any) -> DigitCount:
    """The digits of the numbers in a `numeric`, an array of them, or raw JSON; zero for anything else."""
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


def _digits(integer: bytes, fraction: bytes, minus: bytes, exponent: bytes) -> int:
    if len(exponent) > _MAX_EXPONENT:
        return MAX_DIGITS + 1
    shift = int(minus + (exponent or b"0"))
    zeros = len(fraction) - len(fraction.lstrip(b"0"))
    if integer == b"0" and zeros == len(fraction):
        return 1 + max(0, len(fraction) - shift)
    before = shift - zeros if integer == b"0" else shift + len(integer)
    return max(1, before) + max(0, len(fraction) - shift)


def _gate(exponent: bytes) -> Any:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    outside = rb'(?s)(?:[^"]|"(?:[^"\\]|\\.)*")*?'
    return re2.compile(outside + rb"(?:[0-9][eE][+-]?" + exponent + rb"|[0-9]{100})", options)


_LONG_EXPONENT: Final = _gate(rb"0*[1-9][0-9]{2}")
_ANY_EXPONENT: Final = _gate(rb"[0-9]{2}")
