"""Rejects: bad records, which the batch's transaction stores in the quarantine."""

from typing import Final

from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.members import DUPLICATE_FIELD
from apps.datasets.core.record.record_format import UNDECODABLE
from apps.ingest.core.record_copies import RecordCopy
from apps.ingest.core.records import ConsumerRecord, Reject

UNREADABLE: Final = "unreadable"
REASONS: Final = (
    *(
        "not_json",
        "not_an_object",
        "missing_field",
        "unknown_field",
        DUPLICATE_FIELD,
        "wrong_type",
        "out_of_range",
        "not_allowed",
    ),
    *(UNDECODABLE, "nul", "too_deep", "late", "bad_key", "refused_by_database", "too_large", UNREADABLE),
)
"""All reasons of rejects."""


def make_reject(record: ConsumerRecord, error: BadRecord, *, sqlstate: str = "") -> Reject:
    """A reject of the record, with the error's first fault as its reason."""
    return Reject(record, error.reason, str(error), error.field, sqlstate, error.faults)


def unreadable_reject(record: RecordCopy, cause: BaseException) -> Reject:
    """A reject of a record on which the worker fails. Omits the error's text, which may contain values."""
    lacks = f"; missing here because unreadable or not storable: {', '.join(record.lacks)}" if record.lacks else ""
    message = f"the worker fails on it with {type(cause).__name__}; see the worker's log{lacks}"
    return make_reject(record, BadRecord(UNREADABLE, message))


def tombstone_reject(record: ConsumerRecord) -> Reject:
    """A reject of a tombstone, which only upsert datasets accept."""
    error = BadRecord("not_an_object", "the record has no value, and append datasets accept no tombstones")
    return make_reject(record, error)
