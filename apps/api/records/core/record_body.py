"""From the body of a write to a whole record: what may stand in it, and what the stored row adds."""

from collections.abc import Mapping, Sequence

import msgspec

from apps.api.access.visible_schema import ID, OMITTED, VisibleSchema
from apps.api.records.core.merge_patch import is_null, is_object, merged
from apps.datasets.core.contract.contract import EXTRA, Contract
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json_reader import BROKEN, json_reader, why_no_object
from apps.datasets.core.record.record_format import Values

RecordMembers = dict[str, msgspec.Raw]
"""A record's members as the JSON texts they are, so that no number loses a digit on the way."""


def body_members(body: bytes) -> RecordMembers:
    """The members of the body. Raises BadRecord: it is no JSON object, or nested too deep."""
    try:
        return msgspec.json.decode(body, type=RecordMembers)
    except BROKEN:
        raise why_no_object(body, "the body") from None


def permitted_members(
    schema: VisibleSchema, parts: RecordMembers, *, record_id: str | None, in_part: bool = False
) -> RecordMembers:
    """The members without the record's own `_id`, which a client may send back as it got it.

    `in_part`: what is not sent is kept. Raises BadRecord: a member is hidden or does not exist, which look the same,
    or the `_id` is another's, or fields were omitted from what shall be the whole record.
    """
    sent = dict(parts)
    own = sent.pop(ID, None)
    if sent.pop(OMITTED, None) is not None and not in_part:
        rule = f"the record was read without the fields that {OMITTED!r} names: PATCH it, or read and send them too"
        raise BadRecord("unknown_field", rule, field=OMITTED)
    if own is not None and bytes(own) != msgspec.json.encode(record_id):
        raise BadRecord("bad_key", f"{ID!r} is not the id in the address", field=ID)
    if not schema.is_complete:
        for name in sent:
            if name not in schema.names:
                raise _unknown(name)
    return _spread(schema, sent) if EXTRA in sent else sent


def _spread(schema: VisibleSchema, sent: RecordMembers) -> RecordMembers:
    """The members with those of `_extra`, as a record shows it, among them."""
    if EXTRA not in schema.names:
        raise _unknown(EXTRA)
    text = sent.pop(EXTRA)
    if not is_null(text) and not is_object(text):
        raise BadRecord("wrong_type", f"{EXTRA!r} is not an object", field=EXTRA)
    extra = body_members(bytes(text)) if is_object(text) else {}
    clash = next((name for name in extra if name in schema.names - {EXTRA}), None)
    if clash is not None:
        raise BadRecord("unknown_field", f"{clash!r} is a field of its own, not one of {EXTRA!r}", field=EXTRA)
    return {**extra, **sent}


def refuse_additions(schema: VisibleSchema, sent: RecordMembers, standing: RecordMembers) -> None:
    """Refuse unknown fields that the stored record does not have, of a key that does not see every field.

    A hidden field must look as one that does not exist: so neither can be added. Raises BadRecord.
    """
    unknown = standing.keys() - {field.name for field in schema.contract.fields}
    for name in () if schema.is_complete else sent:
        if name not in schema.names and name not in unknown:
            raise _unknown(name)


def _unknown(name: str) -> BadRecord:
    return BadRecord("unknown_field", f"{name[:63]!r} is not in the contract", field=name[:63])


def hidden_columns(schema: VisibleSchema) -> tuple[str, ...]:
    """What a PUT keeps of the stored record: the columns that the client cannot see."""
    return tuple(name for name in json_reader(schema.contract).columns if name not in schema.names)


def kept_columns(contract: Contract, body: RecordMembers, *, merged: bool) -> tuple[str, ...]:
    """What a PATCH with this body takes of the stored record: what it does not name, and the objects it merges."""
    columns = json_reader(contract).columns
    return tuple(name for name in columns if name not in body or (merged and is_object(body[name])))


def known_members(contract: Contract, parts: RecordMembers) -> RecordMembers:
    """The members that the contract names."""
    return {field.name: parts[field.name] for field in contract.fields if field.name in parts}


def too_large_to_keep(sizes: Mapping[str, int]) -> BadRecord:
    """The refusal of a change that keeps these columns, by the bytes of each, of which the largest is to blame."""
    name = max(sizes, key=sizes.__getitem__)
    rule = f"the stored {name!r} is too large to be kept by a change in part"
    way = f"PATCH {name!r}, too, as application/json, or PUT the whole record"
    return BadRecord("too_large", f"{rule}: {way}", field=name)


def apply_merge_patch(contract: Contract, stored: RecordMembers, patch: RecordMembers) -> RecordMembers:
    """The stored members after a merge patch; a field of the contract that it removes is null.

    Raises BadRecord: a member is nested too deep.
    """
    fields = {field.name for field in contract.fields}
    return merged(stored, patch) | {name: text for name, text in patch.items() if name in fields and is_null(text)}


def key_members(contract: Contract, key: Sequence[str]) -> RecordMembers:
    """The primary key of an id as members of a record."""
    texts = zip(contract.key, key, strict=True)
    return {name: msgspec.Raw(contract.field(name).type.spec.as_json(text)) for name, text in texts}


def row_values(contract: Contract, parts: Mapping[str, msgspec.Raw], key: RecordMembers | None = None) -> Values:
    """The row's values, checked by the contract, in the order of the reader's columns.

    Raises BadRecord: it breaks the contract, or its key is not the one of the address.
    """
    reader = json_reader(contract)
    values = reader.decode(msgspec.json.encode({**(key or {}), **parts}))
    if key is not None and key_values(contract, values) != reader.decode_key(msgspec.json.encode(key)):
        raise BadRecord("bad_key", "the key is not the one in the address", field=contract.key[0])
    return values


def key_values(contract: Contract, values: Values) -> Values:
    """The values of the key among those of a row."""
    columns = json_reader(contract).columns
    return tuple(values[columns.index(name)] for name in contract.key)


def redact(schema: VisibleSchema, error: BadRecord) -> BadRecord:
    """The error, without naming a field that the client cannot see."""
    hidden = {EXTRA, *(field.name for field in schema.contract.fields)} - schema.names
    if error.reason == "unknown_field" or error.field not in hidden:
        return error
    return BadRecord(error.reason, "the record breaks its contract in a field that this key does not reach")
