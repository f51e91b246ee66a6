"""What becomes of a bad record: a reject, which the batch's transaction brings to the quarantine."""

from typing import Final

from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.record_format import UNDECODABLE
from apps.ingest.core.record_copies import RecordCopy
from apps.ingest.core.records import ConsumerRecord, Reject

UNREADABLE: Final = "unreadable"
REASONS: Final = (
    *("not_json", "not_an_object", "missing_field", "unknown_field", "wrong_type", "out_of_range", "not_allowed"),
    *(UNDECODABLE, "nul", "too_deep", "late", "bad_key", "refused_by_database", "too_large", UNREADABLE),
)
"""Every reason that a reject may have."""


def make_reject(record: ConsumerRecord, error: BadRecord, *, sqlstate: str = "") -> Reject:
    """The record with the reason why it is no row."""
    return Reject(record, error.reason, str(error), error.field, sqlstate)


def unreadable_reject(record: RecordCopy, cause: BaseException) -> Reject:
    """The record that nothing here can read. The message does not repeat what the error says: it may hold values."""
    lacks = f"; not kept here, for it cannot be read or stored: {', '.join(record.lacks)}" if record.lacks else ""
    message = f"the worker fails at it with {type(cause).__name__}; the worker's log says where{lacks}"
    return make_reject(record, BadRecord(UNREADABLE, message))


def tombstone_reject(record: ConsumerRecord) -> Reject:
    """The record without a value, which only an upsert dataset takes, as a tombstone."""
    error = BadRecord("not_an_object", "the record has no value, and an append dataset has no tombstones")
    return make_reject(record, error)
