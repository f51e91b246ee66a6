"""Recognizes envelopes: records that hold the contract's fields in one of their members."""

from typing import Final

import msgspec

from apps.datasets.core.record.json_syntax import BROKEN
from apps.datasets.core.record.members import MEMBERS, Members

ENVELOPES: Final = (
    (("schema", "payload"), "Kafka Connect's envelope: set value.converter.schemas.enable=false"),
    (("before", "after"), "Debezium's change event: unwrap it with ExtractNewRecordState"),
    (("op", "after"), "Debezium's change event: unwrap it with ExtractNewRecordState"),
    (("specversion", "data"), "a CloudEvent in structured mode: send its data only"),
    (("database", "table", "data"), "a change event of Maxwell or Canal: send its data only"),
)
"""The members that give an envelope away, and what it is."""
WRAPPERS: Final = ("payload", "after", "data", "value", "record", "body", "message", "event", "detail")
"""The members that wrap a record by convention: a message may name these, and no other unknown ones."""


def envelope_hint(names: frozenset[str], members: Members) -> str:
    """What the record looks like, and where the fields with these names are; "" if it is no envelope."""
    path = _path(names, members)
    unknown = members.keys() - names
    kind = next((what for parts, what in ENVELOPES if unknown.issuperset(parts)), "")
    place = f"the fields are in {path!r}" if path else ""
    like = f"the record looks like {kind}" if kind else ""
    return "; ".join(filter(None, (place, like)))


def _path(names: frozenset[str], members: Members, *, levels: int = 2) -> str:
    """The member with more of the names than `members` itself has, as a dotted path; "" if no member does."""
    here = len(names & members.keys())
    for wrapper in WRAPPERS:
        if wrapper in names or wrapper not in members:
            continue
        inner = _object(members[wrapper])
        if len(names & inner.keys()) > here:
            return wrapper
        if levels > 1 and (deeper := _path(names, inner, levels=levels - 1)):
            return f"{wrapper}.{deeper}"
    return ""


def _object(text: msgspec.Raw) -> Members:
    try:
        return MEMBERS.decode(text)
    except BROKEN:
        return {}
