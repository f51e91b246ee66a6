"""Reads one JSON record against a contract: bytes in, the row's values out.

Valid records take the fast path: msgspec decodes them into a struct generated from the contract and checks types,
ranges, lengths and choices in C; the rest is checked by column. Only an invalid record is examined field by field, to
name the field and the reason.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec.structs import astuple

from apps.datasets.core.column_types.second_fractions import cut_fractions, may_be_long
from apps.datasets.core.contract.contract import Contract, ContractField
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.field_errors import decode_field
from apps.datasets.core.record.json_bulk import BulkDecoder
from apps.datasets.core.record.json_syntax import BROKEN
from apps.datasets.core.record.members import Members, have_every_quote, object_members, refuse_repeated_name
from apps.datasets.core.record.nesting import MAX_DEPTH, is_too_deep, too_deep
from apps.datasets.core.record.quote_count import BACKSLASH
from apps.datasets.core.record.record_errors import RecordExaminer
from apps.datasets.core.record.record_format import BulkRows, EncodedRecord, Values
from apps.datasets.core.record.record_struct import record_struct
from apps.datasets.core.record.row_checks import RowChecks
from apps.datasets.core.record.value_checks import NUL_ESCAPE, decode_hook, holds_nul, text_check


class JsonReader:
    """Reads a contract's records in JSON; uses neither key nor headers."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self._row = RowChecks(contract)
        self.columns, self.wires = self._row.columns, self._row.wires
        # Attributes for the path of every record that is decoded on its own.
        self._typed, self._keeps, self._grows = self._row.typed, self._row.keeps, bool(self._row.growing)
        self._names = frozenset(field.name for field in contract.fields)
        self._examiner = RecordExaminer(contract)
        self._decoder = msgspec.json.Decoder(record_struct(contract), dec_hook=decode_hook)
        self._bulk = BulkDecoder(contract, self._row)
        self._timed = {field.name for field in contract.fields if field.type.spec.cut}
        self._text_checks = tuple((field.name, check) for field in contract.fields if (check := text_check(field)))

    def decode(self, value: bytes, _record: EncodedRecord | None = None) -> Values:
        """The values of one record.

        Raises BadRecord: it can never become a row of this contract.
        """
        try:
            return self._row_of(value, len(value))
        except (BadRecord, *BROKEN) as error:
            raise self._examiner.error(value, error) from None

    def _row_of(self, value: bytes, record_bytes: int) -> Values:
        if self._timed and may_be_long(value):
            value = self._with_short_fractions(value)
        row = astuple(self._decoder.decode(value))
        members = object_members(value)
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
                value = decode_field(field, part)
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
            decode_field(fields[0], key)
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
        """The record with at most six digits of a second in each time."""
        members = object_members(value)
        for name in self._timed & members.keys():
            members[name] = msgspec.Raw(cut_fractions(bytes(members[name])))
        return msgspec.json.encode(members)


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
