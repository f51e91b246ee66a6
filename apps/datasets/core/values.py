"""What one field's values must be: what msgspec checks in C, and the check of what it cannot say."""

import datetime
import decimal
import math
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from apps.datasets.core.contract import Field
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.numerals import MAX_DIGITS, SHORT_DIGITS, SPARE_BYTES, digits
from apps.datasets.core.patterns import Pattern, compiled_pattern

Check = Callable[[Any], None]
"""Raises BadRecord for a value that is not None and cannot be stored."""
ColumnCheck = Callable[[Sequence[Any]], bool]
"""Whether none of the values, at least one and none of them None, needs a look by itself."""

OPENINGS: Final = {"object": ord("{"), "array": ord("[")}
"""What raw JSON of a logical type begins with; msgspec leaves out the space before it."""

FLOATS_AS_TEXT: Final = msgspec.json.Decoder(float_hook=str)
"""Decodes numbers beyond a double, too, which jsonb may hold."""

FIRST: Final = datetime.datetime(1, 1, 2, tzinfo=datetime.UTC)
LAST: Final = datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC)
"""Times with an offset stay within the years that Python and PostgreSQL both write with four digits."""


def annotation(field: Field) -> Any:
    """The field's type for msgspec, without NULL; raw JSON holds its own null."""
    checks, kind = field.checks, field.type
    if checks.enum and kind.spec.python in {str, int} and not kind.array:
        return Literal[checks.enum]
    meta: dict[str, Any] = _bounds(field) if kind.spec.python in {int, float} else {}
    if kind.spec.python in {datetime.datetime, datetime.time}:
        meta["tz"] = kind.spec.name == "timestamptz"
    if kind.spec.python is str:
        meta |= _text_bounds(field)
    inner = Annotated[kind.spec.python, msgspec.Meta(**meta)] if meta else kind.spec.python
    if not kind.array:
        return inner
    items = _lengths(field)
    listed = list[inner | None]  # type: ignore[valid-type]
    return Annotated[listed, msgspec.Meta(**items)] if items else listed


def nullable(field: Field) -> Any:
    """The field's type for msgspec as its record may hold it."""
    kind = annotation(field)
    return kind if field.required or field.type.spec.python is msgspec.Raw else kind | None


def late_check(field: Field) -> Check | None:
    """The check that msgspec cannot make, or None where it can make them all."""
    kind, checks = field.type, field.checks
    if kind.spec.name == "numeric":
        one: Check = _decimal_check(field)
    elif kind.spec.name == "timestamptz":
        one = _instant_check(field)
    elif kind.spec.python is msgspec.Raw:
        one = _shape_check(field)
    elif checks.pattern:
        one = _pattern_check(field, compiled_pattern(checks.pattern))
    elif checks.enum and kind.spec.python not in {str, int}:
        one = _enum_check(field)
    else:
        return None
    if not kind.array:
        return one
    return _each(one)


def column_check(field: Field) -> ColumnCheck | None:
    """The same check for many values at once, None where there is none; raw JSON has one of its own."""
    kind, one = field.type, late_check(field)
    if one is None or kind.spec.python is msgspec.Raw:
        return None
    if kind.spec.name == "timestamptz" and not kind.array:
        return _instants_fit
    if field.checks.pattern:
        return compiled_pattern(field.checks.pattern).fits_all
    return _fit_one_by_one(one)


def _fit_one_by_one(check: Check) -> ColumnCheck:
    def fits(values: Sequence[Any]) -> bool:
        try:
            for value in values:
                check(value)
        except BadRecord:
            return False
        return True

    return fits


def _instants_fit(values: Sequence[Any]) -> bool:
    return bool(FIRST <= min(values) <= max(values) <= LAST)


def _each(one: Check) -> Check:
    def check(items: list[Any]) -> None:
        for item in items:
            if item is not None:
                one(item)

    return check


def growing(fields: Sequence[Field]) -> list[int]:
    """Indexes of the fields whose numbers PostgreSQL may write with many more digits than they are sent with.

    None where all of them together stay within what any record may hold.
    """
    numbers = [
        index
        for index, field in enumerate(fields)
        if field.type.spec.name == "numeric" and not 0 < sum(field.type.args[:1]) <= SHORT_DIGITS
    ]
    raws = [index for index, field in enumerate(fields) if field.type.spec.python is msgspec.Raw]
    few = not raws and not any(fields[index].type.array for index in numbers)
    return [] if few and len(numbers) * MAX_DIGITS <= SPARE_BYTES else sorted(numbers + raws)


def nul_check(name: str) -> Check:
    """Refuses U+0000 anywhere in a value of this column, which PostgreSQL cannot store in text or jsonb."""

    def check(value: Any) -> None:
        if holds_nul(FLOATS_AS_TEXT.decode(value) if isinstance(value, msgspec.Raw) else value):
            raise BadRecord("nul", f"{name!r} holds U+0000, which PostgreSQL cannot store", field=name)

    return check


def holds_nul(value: Any) -> bool:
    """Whether U+0000 stands anywhere in a decoded JSON value."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            if "\x00" in part:
                return True
        elif isinstance(part, dict):
            waiting += part.keys()
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return False


def _bounds(field: Field) -> dict[str, Any]:
    checks, spec = field.checks, field.type.spec
    lows = [value for value in (spec.low, checks.minimum) if value is not None]
    highs = [value for value in (spec.high, checks.maximum) if value is not None]
    above, below = checks.exclusive_minimum, checks.exclusive_maximum
    if spec.python is int:
        lows += [] if above is None else [math.floor(above) + 1]
        highs += [] if below is None else [math.ceil(below) - 1]
        low, high = math.ceil(max(lows)), math.floor(min(highs))
        # Where nothing fits, msgspec is told so in numbers that it takes.
        return {"ge": low, "le": high} if low <= high else {"ge": 1, "le": 0}
    meta: dict[str, Any] = {}
    if above is not None and all(above >= low for low in lows):
        meta["gt"] = above
    elif lows:
        meta["ge"] = max(lows)
    if below is not None and all(below <= high for high in highs):
        meta["lt"] = below
    elif highs:
        meta["le"] = min(highs)
    return meta


def _text_bounds(field: Field) -> dict[str, Any]:
    args = field.type.args
    meta: dict[str, Any] = {} if field.type.array else _lengths(field)
    if args:
        meta["max_length"] = min(args[0], meta.get("max_length", args[0]))
    return meta


def _lengths(field: Field) -> dict[str, Any]:
    found = {"min_length": field.checks.min_length, "max_length": field.checks.max_length}
    return {word: min(value, sys.maxsize) for word, value in found.items() if value is not None}


def _decimal_check(field: Field) -> Check:
    size = _declared_size(field) if field.type.args else _written_size(field)
    inside = _inside(field)

    def check(value: decimal.Decimal) -> None:
        if not value.is_finite():
            raise BadRecord("out_of_range", f"{field.name!r} is not a finite number", field=field.name)
        size(value)
        inside(value)

    return check


def _declared_size(field: Field) -> Check:
    precision, scale = (*field.type.args, 0)[:2]
    step = decimal.Decimal(1).scaleb(-scale)
    wide = decimal.Context(prec=precision + 1, Emin=-999_999, Emax=999_999)

    def check(value: decimal.Decimal) -> None:
        if value and value.adjusted() >= precision - scale:
            rule = f"{field.name!r} has more digits than {field.type.sql} holds"
            raise BadRecord("out_of_range", rule, field=field.name)
        if (value and value.adjusted() < -scale) or value != value.quantize(step, context=wide):
            rule = f"{field.name!r} has more decimals than {field.type.sql} keeps"
            raise BadRecord("out_of_range", rule, field=field.name)

    return check


def _written_size(field: Field) -> Check:
    def check(value: decimal.Decimal) -> None:
        text = str(value)
        if (len(text) > MAX_DIGITS or "E" in text) and digits(value) > MAX_DIGITS:
            raise BadRecord("out_of_range", f"{field.name!r} {too_long('a number')}", field=field.name)

    return check


def too_long(what: str) -> str:
    """The rule that a number of too many digits breaks."""
    return f"holds {what} that is written with more than {MAX_DIGITS} digits"


def _inside(field: Field) -> Check:
    checks = field.checks
    enum = _enum_check(field)

    def check(value: decimal.Decimal) -> None:
        low = checks.minimum is not None and value < decimal.Decimal(str(checks.minimum))
        high = checks.maximum is not None and value > decimal.Decimal(str(checks.maximum))
        under = checks.exclusive_minimum is not None and value <= decimal.Decimal(str(checks.exclusive_minimum))
        over = checks.exclusive_maximum is not None and value >= decimal.Decimal(str(checks.exclusive_maximum))
        if low or high or under or over:
            raise BadRecord("out_of_range", f"{field.name!r} is outside of its bounds", field=field.name)
        if checks.enum:
            enum(value)

    return check


def _instant_check(field: Field) -> Check:
    def check(value: datetime.datetime) -> None:
        if (value.year <= 1 or value.year >= 9999) and not FIRST <= value <= LAST:
            raise BadRecord("out_of_range", f"{field.name!r} is outside of the years 1 to 9999", field=field.name)

    return check


def _shape_check(field: Field) -> Check:
    opening = OPENINGS[field.logical]

    def check(value: msgspec.Raw) -> None:
        if memoryview(value)[0] != opening:
            raise BadRecord("wrong_type", f"{field.name!r} is not a JSON {field.logical}", field=field.name)

    return check


def _pattern_check(field: Field, pattern: Pattern) -> Check:
    def check(value: str) -> None:
        if fault := pattern.fault(value):
            raise BadRecord("out_of_range", f"{field.name!r} {fault}", field=field.name)

    return check


def _enum_check(field: Field) -> Check:
    def check(value: object) -> None:
        if value not in field.checks.enum:
            raise BadRecord("not_allowed", f"{field.name!r} is none of the allowed values", field=field.name)

    return check
