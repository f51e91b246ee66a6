"""Checks of one field's values: what msgspec checks in C, and what it cannot express."""

import decimal
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal

import msgspec

from apps.datasets.core.column_types.checks import NO_CHECKS, FieldChecks
from apps.datasets.core.column_types.constraints import Fault, ValueCheck, lengths
from apps.datasets.core.column_types.number_length import MAX_DIGITS, SHORT_DIGITS, SPARE_BYTES
from apps.datasets.core.column_types.patterns import compiled_pattern
from apps.datasets.core.column_types.plain_numbers import plain_numbers
from apps.datasets.core.column_types.types import TYPES
from apps.datasets.core.contract.contract import ContractField
from apps.datasets.core.errors import BadRecord

Check = Callable[[Any], None]
"""Raises BadRecord for a non-None value that cannot be stored."""
ValuesCheck = Callable[[Sequence[Any]], bool]
"""Whether none of the values, at least one and none of them None, must be checked individually."""

OPENINGS: Final = {"object": ord("{"), "array": ord("[")}
"""The first byte of raw JSON by logical type; msgspec omits leading white space."""

JSON_NULL: Final = b"null"
NUL_ESCAPE: Final = b"\\u0000"

FLOATS_AS_TEXT: Final = msgspec.json.Decoder(float_hook=str)
"""Also decodes numbers beyond a double, which jsonb supports."""

LITERALS: Final = frozenset({str, int})
"""Types that msgspec allows in a Literal."""

DECODERS: Final = {spec.python: (spec.name, spec.decode) for spec in TYPES if spec.decode}
CUTTERS: Final = {spec.cut[0]: (spec.name, spec.cut[1]) for spec in TYPES if spec.cut}


def decode_hook(kind: type, value: object) -> Any:
    """msgspec's hook for unknown classes. Its error never repeats the value."""
    name, decode = CUTTERS.get(kind) or DECODERS[kind]
    if not isinstance(value, str):
        raise TypeError(f"Invalid {name}")
    try:
        return decode(value)
    except ValueError:
        raise ValueError(f"Invalid {name}") from None


def is_number_text(field: ContractField) -> bool:
    """Whether bulk decoding leaves the field's values as JSON text: a Decimal takes longer to make than the rest."""
    return field.type.spec.python is decimal.Decimal and not field.type.array


def annotation(field: ContractField, *, cut: bool = False) -> Any:
    """The field's type for msgspec, without NULL; raw JSON has its own null. `cut`: it cuts fractions of a second."""
    checks, kind = field.checks, field.type
    python = kind.spec.python
    if checks.enum and python in LITERALS and not kind.array:
        return Literal[checks.enum]
    meta = kind.spec.constraints(NO_CHECKS if kind.array else checks, kind.args)
    inner: Any = Annotated[python, msgspec.Meta(**meta)] if meta else python
    if cut and kind.spec.cut:
        inner = kind.spec.cut[0]
    if not kind.array:
        return inner
    items = lengths(checks)
    listed = list[inner | None]
    return Annotated[listed, msgspec.Meta(**items)] if items else listed


def nullable(field: ContractField, *, cut: bool = False) -> Any:
    """The field's type for msgspec, with NULL if allowed."""
    kind = annotation(field, cut=cut)
    return kind if field.required or field.type.spec.document else kind | None


def value_check(field: ContractField) -> Check | None:
    """The check that msgspec cannot express, or None if msgspec checks everything."""
    check_rule = _value_check(field)
    if check_rule is None:
        return None
    fault = _fault(field, check_rule)

    def check(value: Any) -> None:
        if rule := fault(value):
            raise BadRecord(check_rule.reason, f"{field.name!r} {rule}", field=field.name)

    return check


def text_check(field: ContractField) -> Callable[[bytes], None] | None:
    """The check of a value's JSON text, for what the value has lost; None if it loses nothing."""
    check_rule = field.type.spec.text_check
    if check_rule is None:
        return None

    name, sql = repr(field.name), replace(field.type, array=False).sql

    def check_item(text: bytes, what: str) -> None:
        if text != JSON_NULL and (rule := check_rule.fault(text, sql)):
            raise BadRecord(check_rule.reason, f"{what} {rule}", field=field.name)

    def check(text: bytes) -> None:
        text = text.strip()
        if not field.type.array or text == JSON_NULL:
            return check_item(text, name)
        for number, item in enumerate(msgspec.json.decode(text, type=list[msgspec.Raw]), 1):
            check_item(bytes(item), f"item {number} of {name}")
        return None

    return check


def values_check(field: ContractField) -> ValuesCheck | None:
    """The same check for many values at a time as bulk decoding leaves them, None if not needed.

    Documents are checked elsewhere.
    """
    if is_number_text(field):
        return plain_numbers(field.checks, field.type.args)
    check_rule = _value_check(field)
    if check_rule is None or field.type.spec.document:
        return None
    if check_rule.fits_all and not field.type.array:
        return check_rule.fits_all
    fault = _fault(field, check_rule)
    return lambda values: not any(map(fault, values))


def _value_check(field: ContractField) -> ValueCheck | None:
    spec, checks = field.type.spec, field.checks
    if spec.check:
        return spec.check(checks, field.type.args, field.type.sql)
    if spec.document:
        return _shape_check(field.logical)
    if checks.pattern:
        pattern = compiled_pattern(checks.pattern)
        return ValueCheck(pattern.fault, pattern.fits_all)
    if checks.enum and spec.python not in LITERALS:
        return _enum_check(checks)
    return None


def _fault(field: ContractField, check: ValueCheck) -> Fault:
    fault = check.fault
    if not field.type.array:
        return fault

    def first_fault(items: Sequence[Any]) -> str:
        for item in items:
            if item is not None and (rule := fault(item)):
                return rule
        return ""

    return first_fault


def growing(fields: Sequence[ContractField]) -> list[int]:
    """Indexes of the fields whose numbers PostgreSQL may print with many more digits than were sent.

    Empty if all of them together stay within the limit of any record.
    """
    numbers = [
        index
        for index, field in enumerate(fields)
        if field.type.spec.grows and not field.type.spec.document and not 0 < sum(field.type.args[:1]) <= SHORT_DIGITS
    ]
    raws = [index for index, field in enumerate(fields) if field.type.spec.document]
    few = not raws and not any(fields[index].type.array for index in numbers)
    return [] if few and len(numbers) * MAX_DIGITS <= SPARE_BYTES else sorted(numbers + raws)


def nul_check(name: str) -> Check:
    """Rejects U+0000 anywhere in a value of this column: PostgreSQL cannot store it in text or jsonb."""

    def check(value: Any) -> None:
        if holds_nul(FLOATS_AS_TEXT.decode(value) if isinstance(value, msgspec.Raw) else value):
            raise BadRecord("nul", f"{name!r} contains U+0000, which PostgreSQL cannot store", field=name)

    return check


def holds_nul(value: Any) -> bool:
    """Whether a decoded JSON value contains U+0000."""
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


def _shape_check(logical: str) -> ValueCheck:
    opening = OPENINGS[logical]

    def fault(value: msgspec.Raw) -> str:
        return "" if memoryview(value)[0] == opening else f"is not a JSON {logical}"

    return ValueCheck(fault, reason="wrong_type")


def _enum_check(checks: FieldChecks) -> ValueCheck:
    def fault(value: object) -> str:
        return "" if value in checks.enum else "is not one of the allowed values"

    return ValueCheck(fault, reason="not_allowed")
