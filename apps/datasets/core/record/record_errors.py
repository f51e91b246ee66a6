"""Why a record is not a row of its contract: the slow path, which names the field and the reason."""

import re
from string import printable
from typing import Any, Final

import msgspec

from apps.datasets.core.contract.contract import Contract, ContractField, UnknownFieldsPolicy
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.nesting import too_deep, why_too_deep
from apps.datasets.core.record.record_format import undecodable
from apps.datasets.core.record.row_checks import JSON_NULL
from apps.datasets.core.record.value_checks import decode_hook, nullable, value_check

BEYOND_DOUBLE: Final = "Number out of range"
"""msgspec's message for it."""
_LENGTH: Final = re.compile(r"Expected `(\w+)` of length (>=|<=) (\d+)")
_BOUND: Final = re.compile(r"Expected `\w+` (>=|<=|>|<) (\S+)")
_MULTIPLE: Final = re.compile(r"Expected `\w+` that's a multiple of (\S+)")
BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_LETTERS: Final = frozenset(printable.encode())
_OPENINGS: Final = (
    (b"\xef\xbb\xbf", "a byte order mark, which JSON must not have"),
    (b"\xff\xfe", "the byte order mark of UTF-16: JSON is UTF-8"),
    (b"\xfe\xff", "the byte order mark of UTF-16: JSON is UTF-8"),
    (b"\x1f\x8b", "gzip: have the producer compress batches, not values"),
    (b"\x28\xb5\x2f\xfd", "zstd: have the producer compress batches, not values"),
)
"""Known first bytes of records that are not JSON."""
_FRAME: Final = b"\0\0"
_FRAME_BYTES: Final = 5
"""The header of a schema registry: a zero, the schema's id in four bytes, the first of them zero in practice."""
PARTS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
"""Decodes an object to its members as raw JSON."""


def record_error(contract: Contract, value: bytes, error: Exception) -> BadRecord:
    """The error about a record that msgspec rejected with `error`."""
    try:
        parts = PARTS.decode(value)
    except BROKEN:
        return _binary_error(value) or why_no_object(value, "the record")
    names = {field.name for field in contract.fields}
    for field in contract.fields:
        if field.name not in parts:
            if field.required:
                return BadRecord("missing_field", f"{field.name!r} is required but missing", field=field.name)
            continue
        try:
            decode_field(field, bytes(parts[field.name]))
        except BadRecord as bad:
            return bad
    for name in parts if contract.unknown_fields is UnknownFieldsPolicy.REJECT else ():
        if name not in names:
            return BadRecord("unknown_field", f"{name[:63]!r} is not in the contract", field=name[:63])
    return why_too_deep(value) or _duplicate_field(contract, str(error))


def _duplicate_field(contract: Contract, message: str) -> BadRecord:
    """The error about a duplicate field: msgspec reports the first occurrence, while the last one is valid."""
    name = next((field.name for field in contract.fields if f"`$.{field.name}" in message), "")
    reason = "wrong_type" if "`, got `" in message else "out_of_range"
    return BadRecord(reason, f"duplicate field {name!r}, and not every value is valid", field=name)


def decode_field(field: ContractField, part: bytes) -> Any:
    """The field's value from its JSON. Raises BadRecord."""
    try:
        value = msgspec.json.decode(part, type=nullable(field), dec_hook=decode_hook)
    except BROKEN as error:
        raise _field_error(field, part, error) from None
    if isinstance(value, msgspec.Raw) and bytes(value) == JSON_NULL:
        value = None
    check = value_check(field)
    if check and value is not None:
        check(value)
    return value


def _field_error(field: ContractField, part: bytes, error: Exception) -> BadRecord:
    if isinstance(error, RecursionError):
        return too_deep(field.name)
    if isinstance(error, UnicodeDecodeError):
        return BadRecord("not_json", f"{field.name!r} is not valid UTF-8", field=field.name)
    if part.strip() == b"null":
        return BadRecord("missing_field", f"{field.name!r} is required but null", field=field.name)
    if field.checks.enum:
        return BadRecord("not_allowed", f"{field.name!r} is not one of the allowed values", field=field.name)
    bare = list[Any] if field.type.array else field.type.spec.python
    try:
        msgspec.json.decode(part, type=bare, dec_hook=decode_hook)
    except BROKEN as broken:
        if field.type.spec.python is float and str(broken).startswith(BEYOND_DOUBLE):
            rule = f"{field.name!r} contains a number that {field.type.sql} cannot represent"
            return BadRecord("out_of_range", rule, field=field.name)
        return BadRecord("wrong_type", f"{field.name!r} is not of type {field.type.sql}", field=field.name)
    # The type matches, so a bound, a length, a pattern or an item does not.
    return BadRecord("out_of_range", _violation(field.name, error), field=field.name)


def _violation(name: str, error: Exception) -> str:
    """The violated rule from msgspec's message, which quotes no value: `'code' must have at least 3 characters`."""
    rule = str(error).split(" - at")[0]
    if length := _LENGTH.fullmatch(rule):
        kind, sign, number = length.groups()
        unit = ("character" if kind == "str" else "item") + "s" * (number != "1")
        return f"{name!r} must have at {'least' if sign == '>=' else 'most'} {number} {unit}"
    if bound := _BOUND.fullmatch(rule):
        return f"{name!r} must be {bound[1]} {bound[2]}"
    if multiple := _MULTIPLE.fullmatch(rule):
        return f"{name!r} must be a multiple of {multiple[1]}"
    return f"{name!r}: {rule}"


def why_no_object(text: bytes, what: str) -> BadRecord:
    """The error about a text that is not a JSON object."""
    try:
        text.decode("utf-8")
        msgspec.json.decode(text, type=msgspec.Raw)
    except UnicodeDecodeError as error:
        return BadRecord("not_json", f"{what} is not UTF-8: byte {error.start}")
    except BROKEN as error:
        deep = why_too_deep(text) if isinstance(error, RecursionError) else None
        return deep or BadRecord("not_json", f"{what} is not valid JSON: {_place(error)}")
    return why_too_deep(text) or BadRecord("not_an_object", f"{what} is JSON but not an object")


def _place(error: Exception) -> str:
    """msgspec's message about malformed JSON, which quotes none of it: `invalid character (byte 3)`."""
    return str(error).removeprefix("JSON is malformed: ").removeprefix("Input data was ")


def _binary_error(value: bytes) -> BadRecord | None:
    """The error about bytes that are not text; None if they start like text."""
    if not value or value[0] in _LETTERS:
        return None
    if value[:2] == _FRAME and len(value) > _FRAME_BYTES:
        schema = int.from_bytes(value[1:_FRAME_BYTES], "big")
        return undecodable("JSON", f"it starts with a schema registry header, schema {schema}")
    what = next(
        (what for opening, what in _OPENINGS if value.startswith(opening)), "a byte that JSON cannot start with"
    )
    return undecodable("JSON", f"it starts with {what}")
