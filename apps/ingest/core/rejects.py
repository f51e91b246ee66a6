"""What becomes of a bad record: a reject, which the batch's transaction brings to the quarantine."""

from apps.datasets.core.errors import BadRecord
from apps.ingest.core.records import Record, Reject


def rejected(record: Record, error: BadRecord, *, sqlstate: str = "") -> Reject:
    """The record with the reason why it is no row."""
    return Reject(record, error.reason, str(error), error.field, sqlstate)


def without_value(record: Record) -> Reject:
    """The record without a value, which only an upsert dataset takes, as a tombstone."""
    error = BadRecord("not_an_object", "the record has no value, and an append dataset has no tombstones")
    return rejected(record, error)
