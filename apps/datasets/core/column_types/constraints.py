"""The constraints of a type and its checks: those that msgspec checks in C, and the checks that it cannot express."""

import datetime
import decimal
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.datasets.core.column_types.checks import FieldChecks
from apps.datasets.core.column_types.number_length import MAX_DIGITS, digits, too_long

Arguments = tuple[int, ...]
"""The numbers in parentheses after a type's name: its modifiers."""
Constraints = Callable[[FieldChecks, Arguments], dict[str, Any]]
"""The arguments of msgspec.Meta."""
Fault = Callable[[Any], str]
"""The rule that a non-None value violates, worded to follow its field's name; empty if it violates none."""

FIRST: Final = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)
LAST: Final = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)
"""Times with an offset stay within the years that both Python and PostgreSQL write with four digits."""


@dataclass(frozen=True, slots=True)
class ValueCheck:
    """A check that msgspec cannot express, and the rejection reason if it fails.

    `fits_all` checks many values together where that is cheaper: at least one, none of them None.
    """

    fault: Fault
    fits_all: Callable[[Sequence[Any]], bool] | None = None
    reason: str = "out_of_range"


def always(**meta: Any) -> Constraints:
    """The same constraints for every contract."""
    return lambda _checks, _args: meta


def integer_bounds(low: int, high: int) -> Constraints:
    """Integers of a type's range, both ends inclusive."""

    def bounds(checks: FieldChecks, _args: Arguments) -> dict[str, Any]:
        above, below = checks.exclusive_minimum, checks.exclusive_maximum
        lows = [low, checks.minimum, None if above is None else math.floor(above) + 1]
        highs = [high, checks.maximum, None if below is None else math.ceil(below) - 1]
        least = math.ceil(max(value for value in lows if value is not None))
        most = math.floor(min(value for value in highs if value is not None))
        # If no value fits, pass bounds that msgspec accepts and no integer meets.
        return {"ge": least, "le": most} if least <= most else {"ge": 1, "le": 0}

    return bounds


def float_bounds(low: float | None = None, high: float | None = None) -> Constraints:
    """Numbers of a type's range, both ends inclusive."""

    def bounds(checks: FieldChecks, _args: Arguments) -> dict[str, Any]:
        above, below = checks.exclusive_minimum, checks.exclusive_maximum
        lows = [value for value in (low, checks.minimum) if value is not None]
        highs = [value for value in (high, checks.maximum) if value is not None]
        meta: dict[str, Any] = {}
        if above is not None and all(above >= value for value in lows):
            meta["gt"] = above
        elif lows:
            meta["ge"] = max(lows)
        if below is not None and all(below <= value for value in highs):
            meta["lt"] = below
        elif highs:
            meta["le"] = min(highs)
        return meta

    return bounds


def text_lengths(checks: FieldChecks, args: Arguments) -> dict[str, Any]:
    """Lengths of a text in characters; a type modifier is the maximum."""
    meta = lengths(checks)
    if args:
        meta["max_length"] = min(args[0], meta.get("max_length", args[0]))
    return meta


def lengths(checks: FieldChecks) -> dict[str, Any]:
    """Lengths of a text or a list."""
    found = {"min_length": checks.min_length, "max_length": checks.max_length}
    return {word: min(value, sys.maxsize) for word, value in found.items() if value is not None}


def decimal_check(checks: FieldChecks, args: Arguments, sql: str) -> ValueCheck:
    """Finite, within its bounds, and with the digits that the type (`sql`) declares or, undeclared, that can be
    written."""
    size = _declared_size(args, sql) if args else _written_size
    inside = _inside(checks)

    def fault(value: decimal.Decimal) -> str:
        if not value.is_finite():
            return "is not a finite number"
        return size(value) or inside(value)

    return ValueCheck(fault)


def _declared_size(args: Arguments, sql: str) -> Fault:
    precision, scale = (*args, 0)[:2]
    step = decimal.Decimal(1).scaleb(-scale)
    wide = decimal.Context(prec=precision + 1, Emin=-999_999, Emax=999_999)

    def fault(value: decimal.Decimal) -> str:
        if value and value.adjusted() >= precision - scale:
            return f"has more digits than {sql} allows"
        if (value and value.adjusted() < -scale) or value != value.quantize(step, context=wide):
            return f"has more decimals than {sql} allows"
        return ""

    return fault


def _written_size(value: decimal.Decimal) -> str:
    text = str(value)
    if (len(text) > MAX_DIGITS or "E" in text) and digits(value) > MAX_DIGITS:
        return too_long("a number")
    return ""


def _inside(checks: FieldChecks) -> Fault:
    def fault(value: decimal.Decimal) -> str:
        low = checks.minimum is not None and value < decimal.Decimal(str(checks.minimum))
        high = checks.maximum is not None and value > decimal.Decimal(str(checks.maximum))
        under = checks.exclusive_minimum is not None and value <= decimal.Decimal(str(checks.exclusive_minimum))
        over = checks.exclusive_maximum is not None and value >= decimal.Decimal(str(checks.exclusive_maximum))
        return "is outside its bounds" if low or high or under or over else ""

    return fault


def instant_check(_checks: FieldChecks, _args: Arguments, _sql: str) -> ValueCheck:
    """Times with an offset, within the years that can be written."""
    return ValueCheck(_instant_fault, _instants_fit)


def _instant_fault(value: datetime.datetime) -> str:
    if (value.year <= 1 or value.year >= 9999) and not FIRST <= value <= LAST:
        return "is outside the years 1 to 9999"
    return ""


def _instants_fit(values: Sequence[datetime.datetime]) -> bool:
    return FIRST <= min(values) <= max(values) <= LAST
