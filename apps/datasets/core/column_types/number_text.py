"""Numbers as they are written in JSON: what a decoded value has lost, and what Python reads that JSON does not."""

import decimal
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

JSON_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
QUOTE: Final = ord('"')
TINY: Final = re.compile(rb"[:,\[ \t\n\r]-?[0-9][0-9.]*[eE]-[0-9]{2}|0{30}")
"""In every record with a number that is not zero and that a float cannot tell from zero."""
_EXACT: Final = decimal.Context(prec=decimal.MAX_PREC, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX)


@dataclass(frozen=True, slots=True)
class TextCheck:
    """A check of a value's JSON text.

    fault: the rule that the text of a non-null value violates, worded to follow its field's name; "" if none. Its
    second argument is the type in SQL.
    faultless: a decoded number whose absolute value is inside this open range needs no check of its text; None if the
    value does not show it.
    """

    fault: Callable[[bytes, str], str]
    reason: str
    faultless: tuple[float, float] | None = None


def numeric_fault(text: bytes, sql: str) -> str:
    """A string must be a number as JSON writes it: Decimal also reads `1_000`, other digits, and white space."""
    if text[0] != QUOTE:
        return ""
    number = msgspec.json.decode(text, type=str)
    # Text for a number that is not finite has its own rule.
    if JSON_NUMBER.fullmatch(number) or not decimal.Decimal(number).is_finite():
        return ""
    return f"is not of type {sql}: it is a string that is not a number as JSON writes it"


def float_check(*, single: bool) -> TextCheck:
    """Whole numbers keep their digits, and only zero is zero; fractions are rounded to the nearest float."""
    # At or below the first, a number is stored as zero. Below the second, every whole number is exact.
    zero, exact = (2.0**-150, 2.0**24) if single else (0.0, 2.0**53)

    def fault(text: bytes, sql: str) -> str:
        value = float(text)
        stored: float = struct.unpack("<f", struct.pack("<f", value))[0] if single else value
        if stored == 0:
            digits = text.lower().partition(b"e")[0]
            return f"is not zero, but {sql} stores it as zero" if digits.strip(b"-0.") else ""
        if abs(stored) < exact or _keeps_digits(decimal.Decimal(text.decode()), stored):
            return ""
        return f"is a whole number that {sql} cannot represent"

    return TextCheck(fault, "out_of_range", (zero, exact))


def _keeps_digits(number: decimal.Decimal, stored: float) -> bool:
    """Whether the number is no whole number, or has the leading digits of what is stored."""
    written = len("".join(map(str, number.as_tuple().digits)).strip("0"))
    integral = number == number.to_integral_value(context=_EXACT)
    return not integral or decimal.Context(prec=max(1, written)).create_decimal(stored) == number


NUMERIC_TEXT: Final = TextCheck(numeric_fault, "wrong_type")
REAL_TEXT: Final = float_check(single=True)
DOUBLE_TEXT: Final = float_check(single=False)
