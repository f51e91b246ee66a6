"""PostgreSQL's binary form of `numeric`, from the number's text: a Decimal in between costs twice as much.

Source: numeric_recv in PostgreSQL's numeric.c.
"""

from struct import Struct
from typing import Final

_SIGN: Final = 0x4000
_BASE: Final = 10_000
_GROUP: Final = 4
"""Decimal digits in each of PostgreSQL's digits."""
_HEADER: Final = Struct(">HhHH")
_ONE: Final = Struct(">HhHHH").pack
_TWO: Final = Struct(">HhHHHH").pack
_THREE: Final = Struct(">HhHHHHH").pack
_QUOTE: Final = ord('"')
_MINUS: Final = ord("-")


def pack_numeric(text: bytes) -> bytes:
    """The number: digits with an optional minus and point, without an exponent; also as a JSON string of it."""
    if text[0] == _QUOTE:
        text = text[1:-1]
    sign = 0
    if text[0] == _MINUS:
        sign, text = _SIGN, text[1:]
    integral, _, fraction = text.partition(b".")
    scale = len(fraction)
    if scale > _GROUP or len(integral) > 2 * _GROUP:
        return _pack_long(sign, integral, fraction)
    low = int(integral)
    last = int(fraction.ljust(_GROUP, b"0")) if scale else 0
    if low < _BASE:
        if last:
            return _TWO(2, 0, sign, scale, low, last) if low else _ONE(1, -1, sign, scale, last)
        return _ONE(1, 0, sign, scale, low) if low else _HEADER.pack(0, 0, 0, scale)
    high, low = divmod(low, _BASE)
    if last:
        return _THREE(3, 1, sign, scale, high, low, last)
    return _TWO(2, 1, sign, scale, high, low) if low else _ONE(1, 1, sign, scale, high)


def _pack_long(sign: int, integral: bytes, fraction: bytes) -> bytes:
    """The same for numbers of any length."""
    before = -(-len(integral) // _GROUP)
    after = -(-len(fraction) // _GROUP)
    digits = integral.rjust(before * _GROUP, b"0") + fraction.ljust(after * _GROUP, b"0")
    groups = [int(digits[start : start + _GROUP]) for start in range(0, len(digits), _GROUP)]
    weight = before - 1
    while groups and groups[-1] == 0:
        groups.pop()
    skipped = next((number for number, group in enumerate(groups) if group), 0)
    groups = groups[skipped:]
    if not groups:
        return _HEADER.pack(0, 0, 0, len(fraction))
    return Struct(f">HhHH{len(groups)}H").pack(len(groups), weight - skipped, sign, len(fraction), *groups)
