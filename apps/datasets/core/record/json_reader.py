"""Reads one JSON record against a contract: bytes in, the row's values out.

Valid records take the fast path: msgspec decodes them into a struct generated from the contract and checks types,
ranges, lengths and choices in C; the rest is checked by column. Only an invalid record is examined field by field, to
name the field and the reason.
"""

import json
import re
from collections.abc import Iterable, Sequence
from string import printable
from typing import Any, Final

import msgspec
from msgspec.structs import astuple

from apps.datasets.core.column_types.second_fractions import cut_fractions, may_be_long
from apps.datasets.core.contract.contract import Contract, ContractField, UnknownFieldsPolicy
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json_bulk import NUL_ESCAPE, BulkDecoder
from apps.datasets.core.record.members import Members, have_every_quote, object_members, refuse_repeated_name
from apps.datasets.core.record.nesting import MAX_DEPTH, is_too_deep, too_deep, why_too_deep
from apps.datasets.core.record.quote_count import BACKSLASH
from apps.datasets.core.record.record_format import BulkRows, EncodedRecord, Values, undecodable
from apps.datasets.core.record.record_struct import BROKEN, record_struct
from apps.datasets.core.record.row_checks import RowChecks
from apps.datasets.core.record.value_checks import (
    JSON_NULL,
    decode_hook,
    holds_nul,
    nullable,
    text_check,
    value_check,
)

BEYOND_DOUBLE: Final = "Number out of range"
"""msgspec's message for it."""
_LENGTH: Final = re.compile(r"Expected `(\w+)` of length (>=|<=) (\d+)")
_BOUND: Final = re.compile(r"Expected `\w+` (>=|<=|>|<) (\S+)")
_MULTIPLE: Final = re.compile(r"Expected `\w+` that's a multiple of (\S+)")

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


class JsonReader:
    """Reads a contract's records in JSON; uses neither key nor headers."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._row = RowChecks(contract)
        self.columns, self.wires = self._row.columns, self._row.wires
        # Attributes for the path of every record that is decoded on its own.
        self._typed, self._keeps, self._grows = self._row.typed, self._row.keeps, bool(self._row.growing)
        self._names = frozenset(field.name for field in contract.fields)
        self._decoder = msgspec.json.Decoder(record_struct(contract), dec_hook=decode_hook)
        self._bulk = BulkDecoder(contract, self._row)
        self._timed = {field.name for field in contract.fields if field.type.spec.cut}
        self._text_checks = tuple((field.name, check) for field in contract.fields if (check := text_check(field)))

    def decode(self, value: bytes, _record: EncodedRecord | None = None) -> Values:
        """The values of one record.

        Raises BadRecord: it can never become a row of this contract.
        """
        record_bytes = len(value)
        if self._timed and may_be_long(value):
            value = self._with_short_fractions(value)
        try:
            row = astuple(self._decoder.decode(value))
            members = object_members(value)
        except BROKEN as error:
            raise self._record_error(value, error) from None
        for name, check in self._text_checks:
            if name in members:
                check(bytes(members[name]))
        row = self._typed(row, record_bytes)
        if self._keeps:
            row = (*row, self._extra(members, record_bytes))
        if self._grows:
            self._row.refuse_growth(row, record_bytes)
        # The single byte is found five times faster than the escape, and most records have none.
        if BACKSLASH in value and NUL_ESCAPE in value:
            self._row.refuse_nul(row)
        return row

    def decode_all(
        self, values: Sequence[bytes | None], tails: Iterable[Values], _records: Sequence[EncodedRecord] = ()
    ) -> BulkRows:
        """The values of each record followed by its tail, at a third of the cost of `decode`."""
        return self._bulk.decode_all(values, tails)

    def decode_key(self, key: bytes | None, _record: EncodedRecord | None = None) -> Values:
        """The values of the contract's key from a Kafka key.

        The key is a JSON object with the key's fields, a JSON array of their values in order, or, for a key of one
        field, the value itself, a string also without quotes. Raises BadRecord.
        """
        fields = [self.contract.field(name) for name in self.contract.key]
        if key is not None and is_too_deep(key):
            raise BadRecord("bad_key", f"the key is nested more than {MAX_DEPTH} levels deep")
        if key is None:
            raise BadRecord("bad_key", "a tombstone needs the key of the row it deletes")
        values: list[Any] = []
        for field, part in zip(fields, self._key_parts(key, fields), strict=True):
            try:
                value = _decode_field(field, part)
            except BadRecord as error:
                raise BadRecord("bad_key", f"in the key, {error}", field=field.name) from None
            if value is None or holds_nul(value):
                raise BadRecord("bad_key", f"the key's {field.name!r} is null or contains U+0000", field=field.name)
            values.append(value)
        return tuple(values)

    def _key_parts(self, key: bytes, fields: list[ContractField]) -> list[bytes]:
        try:
            parsed = msgspec.json.decode(key, type=dict[str, msgspec.Raw] | list[msgspec.Raw] | msgspec.Raw)
        except BROKEN:
            parsed = None
        if isinstance(parsed, msgspec.Raw) or parsed is None:
            return [self._single_key(key, fields)]
        if isinstance(parsed, dict) and not have_every_quote([parsed], key):
            _refuse_repeated_key(key)
        if isinstance(parsed, dict) and all(field.name in parsed for field in fields):
            return [bytes(parsed[field.name]) for field in fields]
        if isinstance(parsed, list) and len(parsed) == len(fields):
            return [bytes(part) for part in parsed]
        raise BadRecord("bad_key", f"the key does not consist of {', '.join(field.name for field in fields)}")

    def _single_key(self, key: bytes, fields: list[ContractField]) -> bytes:
        if len(fields) > 1:
            raise BadRecord("bad_key", f"the key does not consist of {', '.join(field.name for field in fields)}")
        try:
            _decode_field(fields[0], key)
        except BadRecord:
            pass
        else:
            return key
        try:
            text = key.decode("utf-8")
        except UnicodeDecodeError:
            raise BadRecord("bad_key", "the key is not UTF-8 text", field=fields[0].name) from None
        return key if _is_quoted_json(text) else msgspec.json.encode(text)

    def _extra(self, members: Members, record_bytes: int) -> msgspec.Raw | None:
        extra = {name: part for name, part in members.items() if name not in self._names}
        if not extra:
            return None
        for name in extra if record_bytes > 2 * MAX_DEPTH else ():
            if is_too_deep(extra[name]):
                raise too_deep(name)
        return msgspec.Raw(msgspec.json.encode(extra))

    def _with_short_fractions(self, value: bytes) -> bytes:
        """The record with at most six digits of a second in each time; unchanged if it is not a JSON object."""
        try:
            members = object_members(value)
        except BROKEN:
            return value
        for name in self._timed & members.keys():
            members[name] = msgspec.Raw(cut_fractions(bytes(members[name])))
        return msgspec.json.encode(members)

    def _record_error(self, value: bytes, error: Exception) -> BadRecord:
        try:
            parts = object_members(value)
        except BadRecord as bad:
            return bad
        except BROKEN:
            return _binary_error(value) or why_no_object(value, "the record")
        for field in self.contract.fields:
            if field.name not in parts:
                if field.required:
                    return BadRecord("missing_field", f"{field.name!r} is required but missing", field=field.name)
                continue
            try:
                _decode_field(field, bytes(parts[field.name]))
            except BadRecord as bad:
                return bad
        for name in parts if self.contract.unknown_fields is UnknownFieldsPolicy.REJECT else ():
            if name not in self._names:
                return BadRecord("unknown_field", f"{name[:63]!r} is not in the contract", field=name[:63])
        return why_too_deep(value) or self._duplicate_field(str(error))

    def _duplicate_field(self, message: str) -> BadRecord:
        """The error about a duplicate field: msgspec reports the first occurrence, while the last one is valid."""
        name = next((field.name for field in self.contract.fields if f"`$.{field.name}" in message), "")
        reason = "wrong_type" if "`, got `" in message else "out_of_range"
        return BadRecord(reason, f"duplicate field {name!r}, and not every value is valid", field=name)


def json_reader(contract: Contract) -> JsonReader:
    """The JSON reader of this contract, created once."""
    reader: JsonReader | None = contract.memo.get("json_reader")
    if reader is None:
        reader = contract.memo["json_reader"] = JsonReader(contract)
    return reader


def _is_quoted_json(text: str) -> bool:
    """Whether this is a JSON string, object or array, also if it has half of a surrogate pair: never a bare text."""
    try:
        return isinstance(json.loads(text), str | dict | list)
    except (ValueError, RecursionError):
        return False


def _refuse_repeated_key(key: bytes) -> None:
    try:
        refuse_repeated_name(key)
    except BadRecord as error:
        raise BadRecord("bad_key", f"in the key, {error}", field=error.field) from None


def _decode_field(field: ContractField, part: bytes) -> Any:
    if field.type.spec.cut:
        part = cut_fractions(part)
    try:
        value = msgspec.json.decode(part, type=nullable(field), dec_hook=decode_hook)
    except BROKEN as error:
        raise _field_error(field, part, error) from None
    if isinstance(value, msgspec.Raw) and bytes(value) == JSON_NULL:
        value = None
    if value is None:
        return None
    if check_text := text_check(field):
        check_text(part)
    if check := value_check(field):
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
