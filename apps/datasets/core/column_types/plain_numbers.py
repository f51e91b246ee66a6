"""Checks a column of numbers as JSON text, without a Decimal for each: one match of RE2, which costs a twentieth.

Only plain numbers pass, with few digits and no exponent. Others may still be valid: they are checked individually.
"""

import decimal
import math
from collections.abc import Callable, Sequence
from typing import Any, Final

import re2

from apps.datasets.core.column_types.checks import FieldChecks

MOST_DIGITS: Final = 40
"""Maximum digits on each side of the point: together they print less than any limit on their length."""
DISTINCT_DIGITS: Final = 15
"""Numbers with so many digits in all keep their order as doubles. Source: DBL_DIG of C."""
_DECIMALS: Final = 6
_ZEROS: Final = 20
"""Maximum zeros after the last decimal that a type keeps."""

Bounds = list[tuple[Callable[[list[float]], float], Callable[[float], bool]]]
"""For each bound: which of the numbers is decisive, and whether that number is inside."""


def plain_numbers(checks: FieldChecks, args: Sequence[int]) -> Callable[[Sequence[Any]], bool]:
    """Whether all these JSON texts are plain numbers, or strings of them, of the type and within the checks.

    `args` are the type's modifiers. False if one must be checked individually.
    """
    bounds = _bounds(checks)
    before, after = _digits(args, ordered=bool(bounds))
    integral = rf"(?:0|[1-9][0-9]{{0,{before - 1}}})" if before else "0"
    decimals = rf"[0-9]{{1,{after}}}0{{0,{_ZEROS}}}" if after else rf"0{{1,{_ZEROS}}}"
    number = rf"-?{integral}(?:\.{decimals})?"
    options = re2.Options()
    options.never_capture = True
    column = re2.compile(rf'(?:(?:{number}|"{number}")\n)*', options)

    def fit(values: Sequence[Any]) -> bool:
        text = b"\n".join(values) + b"\n"
        return column.fullmatch(text) is not None and (not bounds or _inside(text, bounds))

    return fit


def _digits(args: Sequence[int], *, ordered: bool) -> tuple[int, int]:
    """Maximum digits before and after the point; `ordered`: few enough to be compared as doubles."""
    precision, scale = (*args, 0)[:2] if args else (2 * MOST_DIGITS, MOST_DIGITS)
    if ordered and precision > DISTINCT_DIGITS:
        return min(precision - scale, DISTINCT_DIGITS - _DECIMALS), min(scale, _DECIMALS)
    return min(precision - scale, MOST_DIGITS), min(scale, MOST_DIGITS)


def _bounds(checks: FieldChecks) -> Bounds:
    least, above, most, below = checks.minimum, checks.exclusive_minimum, checks.maximum, checks.exclusive_maximum
    found: Bounds = []
    if least is not None:
        found.append((min, _double(least).__le__ if _is_short(least) else _double(least).__lt__))
    if above is not None:
        found.append((min, _double(above).__lt__))
    if most is not None:
        found.append((max, _double(most).__ge__ if _is_short(most) else _double(most).__gt__))
    if below is not None:
        found.append((max, _double(below).__gt__))
    return found


def _double(bound: float) -> float:
    try:
        return float(bound)
    except OverflowError:
        return math.inf if bound > 0 else -math.inf


def _is_short(bound: float) -> bool:
    return len(decimal.Decimal(str(bound)).as_tuple().digits) <= DISTINCT_DIGITS


def _inside(text: bytes, bounds: Bounds) -> bool:
    numbers = list(map(float, text.replace(b'"', b"").split()))
    return all(inside(decisive(numbers)) for decisive, inside in bounds)
