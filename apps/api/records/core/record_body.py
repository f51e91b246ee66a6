"""Turns the body of a write into a complete record: checks its members and merges them with the stored row."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from apps.api.access.visible_schema import ID, OMITTED, VisibleSchema
from apps.api.records.core.merge_patch import is_null, is_object, merge
from apps.datasets.core.contract.contract import EXTRA, Contract
from apps.datasets.core.errors import BadRecord, RecordFault
from apps.datasets.core.record.json_reader import json_reader
from apps.datasets.core.record.json_syntax import BROKEN, why_no_object
from apps.datasets.core.record.members import object_members
from apps.datasets.core.record.record_errors import bad_record, unknown_field
from apps.datasets.core.record.record_format import Values

RecordMembers = dict[str, msgspec.Raw]
"""A record's members as raw JSON text, so that numbers keep their digits."""


def body_members(body: bytes) -> RecordMembers:
    """The members of the body. Raises BadRecord: not a JSON object, nested too deep, or a name occurs twice."""
    try:
        return object_members(body)
    except BROKEN:
        raise why_no_object(body, "the body") from None


def permitted_members(
    schema: VisibleSchema, members: RecordMembers, *, record_id: str | None, partial: bool = False
) -> RecordMembers:
    """The members without the record's own `_id`, which a client may send back unchanged.

    `partial`: members that are not sent are kept. Raises BadRecord: a member is hidden or unknown (the same error),
    the `_id` belongs to another record, or a complete record has omitted fields.
    """
    sent = dict(members)
    own = sent.pop(ID, None)
    if sent.pop(OMITTED, None) is not None and not partial:
        rule = f"the fields in {OMITTED!r} were not returned: use PATCH, or fetch and send those fields too"
        raise BadRecord("unknown_field", rule, field=OMITTED)
    if own is not None and bytes(own) != msgspec.json.encode(record_id):
        raise BadRecord("bad_key", f"{ID!r} does not match the id in the URL", field=ID)
    if not schema.is_complete:
        unknown = [name for name in sent if name not in schema.names]
        if unknown and EXTRA not in sent:
            known = {name: text for name, text in sent.items() if name in schema.names}
            _refuse_unknown(unknown, _faults(schema.contract, known, complete=record_id is None))
        _refuse_unknown(unknown)
    return _flatten_extra(schema, sent) if EXTRA in sent else sent


def _flatten_extra(schema: VisibleSchema, sent: RecordMembers) -> RecordMembers:
    """The members, with those of `_extra` moved to the top level."""
    if EXTRA not in schema.names:
        raise unknown_field(EXTRA)
    text = sent.pop(EXTRA)
    if not is_null(text) and not is_object(text):
        raise BadRecord("wrong_type", f"{EXTRA!r} is not an object", field=EXTRA)
    extra = body_members(bytes(text)) if is_object(text) else {}
    clash = next((name for name in extra if name in schema.names - {EXTRA}), None)
    if clash is not None:
        raise BadRecord(
            "unknown_field", f"{clash!r} is a field of the contract and cannot be in {EXTRA!r}", field=EXTRA
        )
    return {**extra, **sent}


def refuse_additions(schema: VisibleSchema, sent: RecordMembers, stored: RecordMembers) -> None:
    """Reject unknown fields that the stored record does not have, if the key does not see every field.

    A hidden field must behave like one that does not exist, so neither can be added. Raises BadRecord.
    """
    unknown = stored.keys() - {field.name for field in schema.contract.fields}
    if not schema.is_complete:
        _refuse_unknown(name for name in sent if name not in schema.names and name not in unknown)


def _refuse_unknown(names: Iterable[str], others: Sequence[RecordFault] = ()) -> None:
    """Reject these names, with the record's other faults before them."""
    if faults := [unknown_field(name).faults[0] for name in names]:
        raise bad_record([*others, *faults])


def _faults(contract: Contract, members: RecordMembers, *, complete: bool) -> list[RecordFault]:
    """The faults of these members; an incomplete record may lack required fields."""
    try:
        json_reader(contract).decode(msgspec.json.encode(members))
    except BadRecord as bad:
        return [fault for fault in bad.faults if complete or fault.reason != "missing_field"]
    return []


def hidden_columns(schema: VisibleSchema) -> tuple[str, ...]:
    """The columns that a PUT keeps from the stored record: those the client cannot see."""
    return tuple(name for name in json_reader(schema.contract).columns if name not in schema.names)


def kept_columns(contract: Contract, body: RecordMembers, *, merge_objects: bool) -> tuple[str, ...]:
    """The columns that a PATCH keeps from the stored record: those not in the body, and the objects to merge."""
    columns = json_reader(contract).columns
    return tuple(name for name in columns if name not in body or (merge_objects and is_object(body[name])))


def known_members(contract: Contract, members: RecordMembers) -> RecordMembers:
    """The members that the contract defines."""
    return {field.name: members[field.name] for field in contract.fields if field.name in members}


def too_large_to_keep(sizes: Mapping[str, int]) -> BadRecord:
    """The error for a PATCH that would keep too many bytes; names the largest column in `sizes`."""
    name = max(sizes, key=sizes.__getitem__)
    rule = f"the stored {name!r} is too large for a PATCH to keep"
    fix = f"PATCH {name!r} too, as application/json, or PUT the complete record"
    return BadRecord("too_large", f"{rule}: {fix}", field=name)


def apply_merge_patch(contract: Contract, stored: RecordMembers, patch: RecordMembers) -> RecordMembers:
    """The stored members after a merge patch; a contract field that it removes becomes null.

    Raises BadRecord: a member is nested too deep.
    """
    fields = {field.name for field in contract.fields}
    return merge(stored, patch) | {name: text for name, text in patch.items() if name in fields and is_null(text)}


def key_members(contract: Contract, key: Sequence[str]) -> RecordMembers:
    """An id's primary key as members of a record."""
    texts = zip(contract.key, key, strict=True)
    return {name: msgspec.Raw(contract.field(name).type.spec.as_json(text)) for name, text in texts}


def row_values(contract: Contract, members: Mapping[str, msgspec.Raw], key: RecordMembers | None = None) -> Values:
    """The row's values, validated by the contract, in the order of the reader's columns.

    Raises BadRecord: it violates the contract, or its key differs from the one in the URL.
    """
    reader = json_reader(contract)
    values = reader.decode(msgspec.json.encode({**(key or {}), **members}))
    if key is not None and key_values(contract, values) != reader.decode_key(msgspec.json.encode(key)):
        raise BadRecord("bad_key", "the key does not match the id in the URL", field=contract.key[0])
    return values


def key_values(contract: Contract, values: Values) -> Values:
    """The key's values from a row's values."""
    columns = json_reader(contract).columns
    return tuple(values[columns.index(name)] for name in contract.key)


def redact(schema: VisibleSchema, error: BadRecord) -> BadRecord:
    """The error, without faults of fields that the client cannot see: one that names no field replaces them."""
    hidden = {EXTRA, *(field.name for field in schema.contract.fields)} - schema.names
    shown = [fault for fault in error.faults if fault.reason == "unknown_field" or fault.field not in hidden]
    if len(shown) == len(error.faults):
        return error
    reason = next(fault.reason for fault in error.faults if fault not in shown)
    rule = "the record violates its contract in a field that this key cannot see"
    return bad_record([*shown, RecordFault("", reason, rule)])
