"""Reads one JSON record against a contract: bytes in, the row's values out.

Valid records take the fast path: msgspec decodes them into a struct generated from the contract and checks types,
ranges, lengths and choices in C; the rest is checked by column. Only an invalid record is examined field by field, to
name the field and the reason.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

import msgspec
from msgspec.structs import astuple

from apps.datasets.core.contract.contract import Contract, ContractField, UnknownFieldsPolicy
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.field_errors import decode_field
from apps.datasets.core.record.json_syntax import BROKEN
from apps.datasets.core.record.nesting import MAX_DEPTH, is_too_deep, too_deep
from apps.datasets.core.record.record_errors import PARTS, RecordExaminer
from apps.datasets.core.record.record_format import EncodedRecord, Values
from apps.datasets.core.record.row_checks import MAX_BYTES, RowChecks
from apps.datasets.core.record.value_checks import annotation, decode_hook, holds_nul, nullable

BACKSLASH: Final = b"\\"
NUL_ESCAPE: Final = b"\\u0000"


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

    def decode(self, value: bytes, _record: EncodedRecord | None = None) -> Values:
        """The values of one record.

        Raises BadRecord: it can never become a row of this contract.
        """
        try:
            return self._row_of(value)
        except (BadRecord, *BROKEN) as error:
            raise self._examiner.error(value, error) from None

    def _row_of(self, value: bytes) -> Values:
        row = astuple(self._decoder.decode(value))
        row = self._typed(row, len(value))
        if self._keeps:
            row = (*row, self._extra(value))
        if self._grows:
            self._row.refuse_growth(row, len(value))
        # The single byte is found five times faster than the escape, and most records have none.
        if BACKSLASH in value and NUL_ESCAPE in value:
            self._row.refuse_nul(row)
        return row

    def decode_all(
        self,
        values: Sequence[bytes | None],
        tails: Iterable[Values],
        _records: Sequence[EncodedRecord] = (),
    ) -> list[Values] | None:
        """The values of each record followed by its tail; None if any record must be checked individually.

        A third of the cost of `decode`, which reports what is wrong: checks are made by column.
        """
        if self._keeps or not _plain(values):
            return None
        structs = map(self._decoder.decode, cast("Sequence[bytes]", values))
        try:
            rows = [astuple(struct) + tail for struct, tail in zip(structs, tails, strict=True)]
        except BROKEN:
            return None
        largest = max(map(len, cast("Sequence[bytes]", values)), default=0) if self._row.raws else 0
        return rows if self._row.fit(rows, largest) else None

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
            return msgspec.json.encode(key.decode("utf-8"))
        except UnicodeDecodeError:
            raise BadRecord("bad_key", "the key is not UTF-8 text", field=fields[0].name) from None

    def _extra(self, value: bytes) -> msgspec.Raw | None:
        parts = PARTS.decode(value)
        extra = {name: part for name, part in parts.items() if name not in self._names}
        if not extra:
            return None
        for name in extra if len(value) > 2 * MAX_DEPTH else ():
            if is_too_deep(extra[name]):
                raise too_deep(name)
        return msgspec.Raw(msgspec.json.encode(extra))


def _plain(values: Sequence[bytes | None]) -> bool:
    """Whether all values are present, none is too large, and none can contain U+0000."""
    if None in values:
        return False
    joined = b"".join(cast("Sequence[bytes]", values))
    if len(joined) > MAX_BYTES and max(map(len, cast("Sequence[bytes]", values))) > MAX_BYTES:
        return False
    return not (BACKSLASH in joined and NUL_ESCAPE in joined)


def json_reader(contract: Contract) -> JsonReader:
    """The JSON reader of this contract, created once."""
    reader: JsonReader | None = contract.memo.get("json_reader")
    if reader is None:
        reader = contract.memo["json_reader"] = JsonReader(contract)
    return reader


def record_struct(contract: Contract) -> type[msgspec.Struct]:
    """A struct of the contract's fields in order, with which msgspec decodes and checks a record."""
    names = {f"f{index}": field for index, field in enumerate(contract.fields)}
    # Fields keep the contract's order: kw_only allows required ones after optional ones.
    members: list[Any] = [
        (name, annotation(field)) if field.required else (name, nullable(field), None) for name, field in names.items()
    ]
    return msgspec.defstruct(
        "Record",
        members,
        rename={name: field.name for name, field in names.items()},
        forbid_unknown_fields=contract.unknown_fields is UnknownFieldsPolicy.REJECT,
        kw_only=True,
        gc=False,
    )
