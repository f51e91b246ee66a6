"""Why a field's JSON is not a value of its type: the reason, and what it looks like instead."""

import datetime
import decimal
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

import msgspec

from apps.datasets.core.column_types.checks import NO_CHECKS
from apps.datasets.core.column_types.second_fractions import cut_fractions
from apps.datasets.core.contract.contract import ContractField
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json_syntax import BROKEN, HELD_JSON, article, json_kind, not_utf8
from apps.datasets.core.record.nesting import too_deep
from apps.datasets.core.record.value_checks import JSON_NULL, decode_hook, nullable, text_check, value_check

BEYOND_DOUBLE: Final = "Number out of range"
"""msgspec's message for it."""
TIMES: Final = (datetime.datetime, datetime.date, datetime.time)

_LENGTH: Final = re.compile(r"Expected `(\w+)` of length (>=|<=) (\d+)")
_BOUND: Final = re.compile(r"Expected `\w+` (>=|<=|>|<) (\S+)")
_MULTIPLE: Final = re.compile(r"Expected `\w+` that's a multiple of (\S+)")
_ZONED: Final = {
    "Expected `datetime` with a timezone component": 'has no UTC offset: end it with "Z" or one such as "+02:00"',
    "Expected `datetime` with no timezone component": "has a UTC offset, which {sql} does not store: send it without",
    "Expected `time` with no timezone component": "has a UTC offset, which {sql} does not store: send it without",
}
_ITEM: Final = re.compile(r"\$\[(\d+)\]")
_FORMS: Final = {uuid.UUID: "a UUID", bytes: "base64", decimal.Decimal: "a number"}
"""What a string of these types holds."""
_QUOTED_NUMBER: Final = re.compile(rb'"\s*[-+]?[0-9][0-9_]*(\.[0-9]*)?([eE][-+]?[0-9]+)?\s*"')
_INTEGRAL: Final = re.compile(rb"-?[0-9]+\.0+|-?[0-9]+(\.[0-9]+)?[eE]\+?[0-9]+")
_EPOCHS: Final = ((9, 10, "seconds"), (12, 13, "milliseconds"), (15, 16, "microseconds"), (18, 19, "nanoseconds"))
"""The digits of epoch numbers from 1973 to 2286, and their unit."""
_CLOCK: Final = r"(?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(?P<fraction>[.,]\d+)?)?(?P<zone>.*)"
_TIME: Final = re.compile(_CLOCK)
_MOMENT: Final = re.compile(rf"(?P<day>[-+]?\d{{4,}}-\d\d-\d\d)((?P<gap>[Tt ]){_CLOCK})?")

_EXAMPLES: Final = {
    datetime.datetime: "2013-01-31T05:17:00Z",
    datetime.date: "2013-01-31",
    datetime.time: "05:17:00",
}

JsonCheck = Callable[[bytes], Any]


def decode_field(field: ContractField, part: bytes) -> Any:
    """The field's value from its JSON. Raises BadRecord."""
    if field.type.spec.cut:
        part = cut_fractions(part)
    decode, check_text, check = _decoder(field)
    try:
        value = decode(part)
    except BROKEN as error:
        raise field_error(field, part, error) from None
    if isinstance(value, msgspec.Raw) and bytes(value) == JSON_NULL:
        value = None
    if value is None:
        return None
    if check_text:
        check_text(part)
    if check:
        try:
            check(value)
        except BadRecord as bad:
            if not field.type.spec.document:
                raise
            rule = f"{bad}: it is {article(json_kind(part))}"
            raise BadRecord(bad.reason, rule + _twice(part), field=field.name) from None
    return value


@lru_cache(maxsize=4096)
def _decoder(field: ContractField) -> tuple[JsonCheck, Callable[[bytes], None] | None, Callable[[Any], None] | None]:
    decode = msgspec.json.Decoder(nullable(field), dec_hook=decode_hook).decode
    return decode, text_check(field), value_check(field)


@lru_cache(maxsize=256)
def _bare_decoder(python: Any) -> JsonCheck:
    return msgspec.json.Decoder(python, dec_hook=decode_hook).decode


def field_error(field: ContractField, part: bytes, error: Exception) -> BadRecord:
    """The error about a field's JSON that msgspec rejected with `error`."""
    if isinstance(error, RecursionError):
        return too_deep(field.name)
    if isinstance(error, UnicodeDecodeError):
        return BadRecord("not_json", f"{field.name!r} {not_utf8(part) or 'is not valid UTF-8'}", field=field.name)
    if part.strip() == JSON_NULL:
        return BadRecord("missing_field", f"{field.name!r} is required but null", field=field.name)
    if field.checks.enum:
        return BadRecord("not_allowed", f"{field.name!r} is not one of the allowed values", field=field.name)
    try:
        _bare_decoder(list[Any] if field.type.array else field.type.spec.python)(part)
    except BROKEN as broken:
        return _type_error(field, part, str(broken))
    # The type matches, so a bound, a length, a pattern or an item does not.
    return _violation(field, part, str(error))


def _type_error(field: ContractField, part: bytes, message: str) -> BadRecord:
    name, spec, sql = field.name, field.type.spec, field.type.sql
    if spec.python is float and message.startswith(BEYOND_DOUBLE):
        return BadRecord("out_of_range", f"{name!r} contains a number that {sql} cannot represent", field=name)
    if spec.python in TIMES and not field.type.array and (rule := _impossible_time(spec.python, part)):
        return BadRecord("out_of_range", f"{name!r} {rule}", field=name)
    instead = "" if spec.decode else f": {_instead(field, part)}"
    return BadRecord("wrong_type", f"{name!r} is not of type {sql}{instead}", field=name)


def _instead(field: ContractField, part: bytes) -> str:
    """What the JSON is instead of the field's type, with what to send."""
    kind, python = json_kind(part), field.type.spec.python
    if field.type.array:
        return f"it is {article(kind)}, not a list"
    if kind == "number":
        return _number(field, part)
    if kind == "string" and python is not datetime.time and _QUOTED_NUMBER.fullmatch(part):
        return _quoted_number(field, part)
    if kind == "string" and python in TIMES:
        return _time_text(python, part)
    if kind == "string" and python in _FORMS:
        return f"it is a string that is not {_FORMS[python]}"
    return f"it is {article(kind)}" + _twice(part)


def _twice(part: bytes) -> str:
    return ", serialized twice" if json_kind(part) == HELD_JSON else ""


def _number(field: ContractField, part: bytes) -> str:
    python = field.type.spec.python
    if python in {datetime.datetime, datetime.date}:
        unit = _epoch_unit(part) or ("days" if python is datetime.date and part.strip().isdigit() else "")
        return "it is a number" + (f" that looks like epoch {unit}" if unit else "") + ": send an ISO 8601 text"
    if python is int and _INTEGRAL.fullmatch(part):
        return "it is written with a decimal point or an exponent: send digits only"
    if python is int:
        return "it is a number with a fraction"
    return "it is a number" + (" without quotes" if python is str else "")


def _quoted_number(field: ContractField, part: bytes) -> str:
    python = field.type.spec.python
    if python in TIMES:
        unit = _epoch_unit(part.strip(b'"'))
        return "it is a number in quotes" + (f" that looks like epoch {unit}" if unit else "")
    return "it is a number in quotes" + (": send it without quotes" if python in {int, float} else "")


def _epoch_unit(number: bytes) -> str:
    digits = len(number.strip().lstrip(b"-").split(b".")[0])
    return next((unit for low, high, unit in _EPOCHS if low <= digits <= high), "")


def _impossible_time(python: type, part: bytes) -> str:
    """The rule that a well-formed time violates, worded to follow its field's name; "" for another text."""
    text = part.strip().strip(b'"').decode("ascii", "replace")
    match = (_TIME if python is datetime.time else _MOMENT).fullmatch(text)
    if match is None:
        return ""
    found = match.groupdict()
    if (found["hour"] or "").startswith("24"):
        return "has the hour 24: send hour 00 of the next day"
    if found["second"] == "60":
        return "has a leap second (second 60), which cannot be stored: send second 59"
    return "" if _is_possible(found) else "is not a date and time that exists"


def _is_possible(found: dict[str, str | None]) -> bool:
    day, hour, minute, second = (found.get(part) for part in ("day", "hour", "minute", "second"))
    try:
        datetime.date.fromisoformat(day or "2000-01-01")
        datetime.time(int(hour or 0), int(minute or 0), int(second or 0))
    except ValueError:
        return False
    return True


def _time_text(python: type, part: bytes) -> str:
    text = part.strip().strip(b'"').decode("ascii", "replace")
    match = _MOMENT.fullmatch(text)
    if not text.strip():
        return "it is an empty string: send null"
    if match is None or python is datetime.time:
        return f"it is a string that is not ISO 8601, such as {_EXAMPLES[python]}"
    if python is datetime.date:
        return "it has a time of day"
    if match["hour"] is None:
        return "it is a date without a time of day"
    return f"it is not ISO 8601 with all parts, such as {_EXAMPLES[python]}"


def _violation(field: ContractField, part: bytes, message: str) -> BadRecord:
    """The violated rule from msgspec's message, which quotes no value: `'code' must have at least 3 characters`."""
    name = field.name
    rule, _, path = message.partition(" - at ")
    if item := _ITEM.search(path):
        return _item_error(field, part, int(item[1]), rule)
    text = f"{name!r}: {rule}"
    if length := _LENGTH.fullmatch(rule):
        kind, sign, number = length.groups()
        unit = ("character" if kind == "str" else "item") + "s" * (number != "1")
        text = f"{name!r} must have at {'least' if sign == '>=' else 'most'} {number} {unit}"
    elif bound := _BOUND.fullmatch(rule):
        text = f"{name!r} must be {bound[1]} {bound[2]}"
    elif multiple := _MULTIPLE.fullmatch(rule):
        text = f"{name!r} must be a multiple of {multiple[1]}"
    elif zoned := _ZONED.get(rule):
        text = f"{name!r} {zoned.format(sql=field.type.sql)}"
    return BadRecord("out_of_range", text, field=name)


def _item_error(field: ContractField, part: bytes, index: int, rule: str) -> BadRecord:
    item = replace(field, type=replace(field.type, array=False), checks=NO_CHECKS)
    try:
        decode_field(item, bytes(msgspec.json.decode(part, type=list[msgspec.Raw])[index]))
    except BadRecord as bad:
        return BadRecord(bad.reason, f"item {index + 1} of {bad}", field=field.name)
    return BadRecord("out_of_range", f"item {index + 1} of {field.name!r}: {rule}", field=field.name)
