"""What one field's values must be: what msgspec checks in C, and the check of what it cannot say."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from apps.datasets.core.column_types.checks import NO_CHECKS, FieldChecks
from apps.datasets.core.column_types.constraints import Fault, ValueCheck, lengths
from apps.datasets.core.column_types.number_length import MAX_DIGITS, SHORT_DIGITS, SPARE_BYTES
from apps.datasets.core.column_types.patterns import compiled_pattern
from apps.datasets.core.column_types.types import TYPES
from apps.datasets.core.contract.contract import ContractField
from apps.datasets.core.errors import BadRecord

Check = Callable[[Any], None]
"""Raises BadRecord for a value that is not None and cannot be stored."""
ValuesCheck = Callable[[Sequence[Any]], bool]
"""Whether none of the values, at least one and none of them None, needs a look by itself."""

OPENINGS: Final = {"object": ord("{"), "array": ord("[")}
"""What raw JSON of a logical type begins with; msgspec leaves out the space before it."""

FLOATS_AS_TEXT: Final = msgspec.json.Decoder(float_hook=str)
"""Decodes numbers beyond a double, too, which jsonb may hold."""

LITERALS: Final = frozenset({str, int})
"""What a Literal may hold for msgspec."""

DECODERS: Final = {spec.python: (spec.name, spec.decode) for spec in TYPES if spec.decode}


def decode_hook(kind: type, value: object) -> Any:
    """For msgspec: a value of a class that it does not know. Its error never repeats the value."""
    name, decode = DECODERS[kind]
    if not isinstance(value, str):
        raise TypeError(f"Invalid {name}")
    try:
        return decode(value)
    except ValueError:
        raise ValueError(f"Invalid {name}") from None


def annotation(field: ContractField) -> Any:
    """The field's type for msgspec, without NULL; raw JSON holds its own null."""
    checks, kind = field.checks, field.type
    python = kind.spec.python
    if checks.enum and python in LITERALS and not kind.array:
        return Literal[checks.enum]
    meta = kind.spec.constraints(NO_CHECKS if kind.array else checks, kind.args)
    inner = Annotated[python, msgspec.Meta(**meta)] if meta else python
    if not kind.array:
        return inner
    items = lengths(checks)
    listed = list[inner | None]  # type: ignore[valid-type]
    return Annotated[listed, msgspec.Meta(**items)] if items else listed


def nullable(field: ContractField) -> Any:
    """The field's type for msgspec as its record may hold it."""
    kind = annotation(field)
    return kind if field.required or field.type.spec.document else kind | None


def value_check(field: ContractField) -> Check | None:
    """The check that msgspec cannot make, or None where it can make them all."""
    check_rule = _value_check(field)
    if check_rule is None:
        return None
    fault = _fault(field, check_rule)

    def check(value: Any) -> None:
        if rule := fault(value):
            raise BadRecord(check_rule.reason, f"{field.name!r} {rule}", field=field.name)

    return check


def values_check(field: ContractField) -> ValuesCheck | None:
    """The same check for many values at once, None where there is none; raw JSON has one of its own."""
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
    """Indexes of the fields whose numbers PostgreSQL may write with many more digits than they are sent with.

    None where all of them together stay within what any record may hold.
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


def _shape_check(logical: str) -> ValueCheck:
    opening = OPENINGS[logical]

    def fault(value: msgspec.Raw) -> str:
        return "" if memoryview(value)[0] == opening else f"is not a JSON {logical}"

    return ValueCheck(fault, reason="wrong_type")


def _enum_check(checks: FieldChecks) -> ValueCheck:
    def fault(value: object) -> str:
        return "" if value in checks.enum else "is none of the allowed values"

    return ValueCheck(fault, reason="not_allowed")
