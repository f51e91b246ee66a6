"""One JSON record against a contract: bytes in, the row's values out.

The good record takes the short way: msgspec decodes it into a struct made from the contract and checks types,
ranges, lengths and choices in C; the rest is checked by column. Only a bad one is taken apart field by field, to say
which one and why.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec.structs import astuple

from apps.datasets.core.contract import EXTRA, Contract, Field, UnknownFields
from apps.datasets.core.depth import MAX_DEPTH, is_too_deep, too_deep, why_too_deep
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.numerals import (
    MAX_DIGITS,
    MAX_GROWTH,
    SPARE_BYTES,
    may_be_long,
    may_exceed,
    too_long,
    written_length,
)
from apps.datasets.core.values import (
    OPENINGS,
    ColumnCheck,
    annotation,
    column_check,
    decode_hook,
    growing,
    holds_nul,
    late_check,
    nul_check,
    nullable,
)

Values = tuple[Any, ...]

MAX_BYTES: Final = 16 * 1024 * 1024
"""The largest record that is decoded, bytes."""

BACKSLASH: Final = b"\\"
NUL_ESCAPE: Final = b"\\u0000"
JSON_NULL: Final = b"null"
NULL: Final = msgspec.Raw(JSON_NULL)
BEYOND_DOUBLE: Final = "Number out of range"
"""What msgspec says of it."""
BROKEN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class RecordReader:
    """Turns records of one contract into values, in the order of `columns`."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.columns: tuple[str, ...] = tuple(field.name for field in contract.fields)
        self.wires: tuple[str, ...] = tuple(field.type.wire for field in contract.fields)
        self._keeps = contract.unknown_fields is UnknownFields.KEEP
        if self._keeps:
            self.columns += (EXTRA,)
            self.wires += ("jsonb",)
        self._names = frozenset(field.name for field in contract.fields)
        self._struct = _struct(contract)
        self._decoder = msgspec.json.Decoder(self._struct, dec_hook=decode_hook)
        fields = tuple(enumerate(contract.fields))
        self._checks = tuple((index, check) for index, field in fields if (check := late_check(field)))
        self._column_checks = tuple((index, fits) for index, field in fields if (fits := column_check(field)))
        self._nul_checks = tuple(nul_check(name) for name in self.columns)
        self._raws = tuple(index for index, field in fields if field.type.spec.document)
        self._openings = {index: OPENINGS[contract.fields[index].logical] for index in self._raws}
        self._growing = (*growing(contract.fields), *((len(contract.fields),) if self._keeps else ()))
        self._numbers = tuple(index for index in self._growing if index not in self._raws)
        self._parts = msgspec.json.Decoder(dict[str, msgspec.Raw])

    def decode(self, value: bytes) -> Values:
        """The values of one record.

        Raises BadRecord: it can never become a row of this contract.
        """
        try:
            row = astuple(self._decoder.decode(value))
        except BROKEN:
            raise self._why(value) from None
        return self._finish(row, value)

    def decode_all(self, values: Sequence[bytes | None], tails: Iterable[Values]) -> list[Values] | None:
        """The values of each record followed by its tail; None when any of them needs a look by itself.

        A third of the cost of `decode`, which says what is the matter: checks are made by column.
        """
        if self._keeps or not _plain(values):
            return None
        structs = map(self._decoder.decode, cast("Sequence[bytes]", values))
        try:
            rows = [astuple(struct) + tail for struct, tail in zip(structs, tails, strict=True)]
        except BROKEN:
            return None
        if self._raws and not self._raws_fit(rows, max(map(len, cast("Sequence[bytes]", values)), default=0)):
            return None
        if not all(_fits(index, check, rows) for index, check in self._column_checks):
            return None
        return None if any(may_be_long(row[index], 0) for index in self._numbers for row in rows) else rows

    def _raws_fit(self, rows: list[Values], record_bytes: int) -> bool:
        """Whether no raw JSON needs a look by itself; JSON's null has become None in the rows."""
        for index, opening in self._openings.items():
            column = [value for row in rows if (value := row[index]) is not None]
            firsts = {memoryview(value)[0] for value in column}
            if firsts - {opening, JSON_NULL[0]} or may_exceed(b"".join(column), record_bytes):
                return False
            if record_bytes > 2 * MAX_DEPTH and any(map(is_too_deep, column)):
                return False
            if JSON_NULL[0] in firsts:
                if self.contract.fields[index].required:
                    return False
                rows[:] = [
                    (*row[:index], None, *row[index + 1 :]) if row[index] is not None and row[index] == NULL else row
                    for row in rows
                ]
        return True

    def _finish(self, row: Values, value: bytes) -> Values:
        """Check what msgspec cannot, and add the unknown fields that are kept."""
        if self._raws:
            row = self._without_json_null(row)
            self._refuse_depth(row)
        for index, check in self._checks:
            if row[index] is not None:
                check(row[index])
        if len(value) > MAX_BYTES:
            raise BadRecord("too_large", f"the record has {len(value)} bytes, the limit is {MAX_BYTES}")
        if self._keeps:
            row = (*row, self._extra(value))
        if self._growing:
            self._refuse_growth(row, len(value))
        # The one byte is found five times faster than the escape, and most records have none.
        if BACKSLASH in value and NUL_ESCAPE in value:
            self._refuse_nul(row)
        return row

    def _without_json_null(self, row: Values) -> Values:
        values = tuple(
            None if index in self._raws and value is not None and bytes(value) == JSON_NULL else value
            for index, value in enumerate(row)
        )
        for index in self._raws:
            field = self.contract.fields[index]
            if values[index] is None and field.required:
                raise BadRecord("missing_field", f"{field.name!r} is required and null", field=field.name)
        return values

    def _refuse_depth(self, row: Values) -> None:
        for index in self._raws:
            if row[index] is not None and is_too_deep(row[index]):
                raise too_deep(self.columns[index])

    def decode_key(self, key: bytes | None) -> Values:
        """The values of the contract's key from a Kafka key.

        The key is a JSON object with the key's fields, a JSON array of their values in order, or, for a key
        of one field, the value itself, text also without quotes. Raises BadRecord.
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
                raise BadRecord("bad_key", f"the key's {field.name!r} is null or holds U+0000", field=field.name)
            values.append(value)
        return tuple(values)

    def _key_parts(self, key: bytes, fields: list[Field]) -> list[bytes]:
        try:
            parsed = msgspec.json.decode(key, type=dict[str, msgspec.Raw] | list[msgspec.Raw] | msgspec.Raw)
        except BROKEN:
            parsed = None
        if isinstance(parsed, msgspec.Raw) or parsed is None:
            return [self._single_key(key, fields)]
        if isinstance(parsed, dict) and all(field.name in parsed for field in fields):
            return [bytes(parsed[field.name]) for field in fields]
        if isinstance(parsed, list) and len(parsed) == len(fields):
            return [bytes(part) for part in parsed]
        raise BadRecord("bad_key", f"the key is not made of {', '.join(field.name for field in fields)}")

    def _single_key(self, key: bytes, fields: list[Field]) -> bytes:
        if len(fields) > 1:
            raise BadRecord("bad_key", f"the key is not made of {', '.join(field.name for field in fields)}")
        try:
            _decode_field(fields[0], key)
        except BadRecord:
            text = key.decode("utf-8", "replace")
            return msgspec.json.encode(text)
        return key

    def _refuse_growth(self, row: Values, record_bytes: int) -> None:
        """Refuse numbers that PostgreSQL would write with far more digits than they were sent with."""
        if not any(may_be_long(row[index], record_bytes) for index in self._growing):
            return
        lengths = {self.columns[index]: written_length(row[index]) for index in self._growing}
        for name, length in lengths.items():
            if length.longest > MAX_DIGITS:
                raise BadRecord("out_of_range", f"{name!r} {too_long('a number')}", field=name)
        total, most = sum(length.total for length in lengths.values()), SPARE_BYTES + MAX_GROWTH * record_bytes
        if total > most:
            name = max(lengths, key=lambda name: lengths[name].total)
            rule = f"{name!r} holds numbers that are written with {lengths[name].total} digits"
            raise BadRecord("out_of_range", f"{rule}, a record of this size may hold {most}", field=name)

    def _refuse_nul(self, row: Values) -> None:
        for value, check in zip(row, self._nul_checks, strict=True):
            if value is not None:
                check(value)

    def _extra(self, value: bytes) -> msgspec.Raw | None:
        try:
            parts = self._parts.decode(value)
        except BROKEN:
            raise self._why(value) from None
        extra = {name: part for name, part in parts.items() if name not in self._names}
        if not extra:
            return None
        for name in extra if len(value) > 2 * MAX_DEPTH else ():
            if is_too_deep(extra[name]):
                raise too_deep(name)
        return msgspec.Raw(msgspec.json.encode(extra))

    def _why(self, value: bytes) -> BadRecord:
        try:
            parts = self._parts.decode(value)
        except BROKEN:
            return why_no_object(value, "the record")
        for field in self.contract.fields:
            if field.name not in parts:
                if field.required:
                    return BadRecord("missing_field", f"{field.name!r} is required and missing", field=field.name)
                continue
            try:
                _decode_field(field, bytes(parts[field.name]))
            except BadRecord as error:
                return error
        for name in parts:
            if name not in self._names:
                return BadRecord("unknown_field", f"{name[:63]!r} is not in the contract", field=name[:63])
        return why_too_deep(value) or BadRecord("not_json", "the record is not valid JSON")


def _fits(index: int, check: ColumnCheck, rows: Sequence[Values]) -> bool:
    column = [value for row in rows if (value := row[index]) is not None]
    return not column or check(column)


def _plain(values: Sequence[bytes | None]) -> bool:
    """Whether all are there, none is too large, and none may hold U+0000."""
    if None in values:
        return False
    joined = b"".join(cast("Sequence[bytes]", values))
    if len(joined) > MAX_BYTES and max(map(len, cast("Sequence[bytes]", values))) > MAX_BYTES:
        return False
    return not (BACKSLASH in joined and NUL_ESCAPE in joined)


def record_reader(contract: Contract) -> RecordReader:
    """The reader of this contract, made once."""
    reader: RecordReader | None = contract.memo.get("reader")
    if reader is None:
        reader = contract.memo["reader"] = RecordReader(contract)
    return reader


def _struct(contract: Contract) -> type[msgspec.Struct]:
    names = {f"f{index}": field for index, field in enumerate(contract.fields)}
    # Fields keep the contract's order: kw_only lets required ones follow optional ones.
    members: list[Any] = [
        (name, annotation(field)) if field.required else (name, nullable(field), None) for name, field in names.items()
    ]
    return msgspec.defstruct(
        "Record",
        members,
        rename={name: field.name for name, field in names.items()},
        forbid_unknown_fields=contract.unknown_fields is UnknownFields.REJECT,
        kw_only=True,
        gc=False,
    )


def _decode_field(field: Field, part: bytes) -> Any:
    try:
        value = msgspec.json.decode(part, type=nullable(field), dec_hook=decode_hook)
    except BROKEN as error:
        raise _why_field(field, part, error) from None
    if isinstance(value, msgspec.Raw) and bytes(value) == JSON_NULL:
        value = None
    check = late_check(field)
    if check and value is not None:
        check(value)
    return value


def _why_field(field: Field, part: bytes, error: Exception) -> BadRecord:
    if isinstance(error, RecursionError):
        return too_deep(field.name)
    if isinstance(error, UnicodeDecodeError):
        return BadRecord("not_json", f"{field.name!r} is not valid UTF-8", field=field.name)
    if part.strip() == b"null":
        return BadRecord("missing_field", f"{field.name!r} is required and null", field=field.name)
    if field.checks.enum:
        return BadRecord("not_allowed", f"{field.name!r} is none of the allowed values", field=field.name)
    bare = list[Any] if field.type.array else field.type.spec.python
    try:
        msgspec.json.decode(part, type=bare, dec_hook=decode_hook)
    except BROKEN as broken:
        if field.type.spec.python is float and str(broken).startswith(BEYOND_DOUBLE):
            rule = f"{field.name!r} holds a number that {field.type.sql} cannot hold"
            return BadRecord("out_of_range", rule, field=field.name)
        return BadRecord("wrong_type", f"{field.name!r} is not of the type {field.type.sql}", field=field.name)
    # The type fits, so a bound, a length, a pattern or an item does not; msgspec's message names only the rule.
    rule = str(error).split(" - at")[0]
    return BadRecord("out_of_range", f"{field.name!r}: {rule}", field=field.name)


def why_no_object(text: bytes, what: str) -> BadRecord:
    """The error about a text that cannot be taken apart into the members of an object."""
    broken = BadRecord("not_json", f"{what} is not valid JSON in UTF-8")
    try:
        msgspec.json.decode(text)
    except RecursionError:
        return why_too_deep(text) or broken
    except BROKEN:
        return broken
    return why_too_deep(text) or BadRecord("not_an_object", f"{what} is JSON and not an object")
