"""Writes records: applies a request to the stored row, in one transaction with its ledger entry."""

import datetime
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import psycopg
from django.conf import settings
from django.db import connections, transaction
from psycopg import Cursor

from apps.api.access.selectors import AccessScope
from apps.api.access.visible_schema import VisibleSchema
from apps.api.errors import (
    DatasetReadOnly,
    DuplicateValue,
    PreconditionFailed,
    RecordExists,
    RecordLocked,
    RecordNotFound,
    StaleWrite,
)
from apps.api.records.adapters.database_errors import translate_database_errors
from apps.api.records.adapters.pages import RecordIdEncoder
from apps.api.records.adapters.rows import (
    RowWrite,
    StoredRow,
    WrittenRow,
    column_sizes,
    event_moment,
    lock_row,
    write_row,
)
from apps.api.records.adapters.statements import Statement
from apps.api.records.core.preconditions import Preconditions
from apps.api.records.core.record_body import (
    RecordMembers,
    apply_merge_patch,
    body_members,
    hidden_columns,
    kept_columns,
    key_members,
    key_values,
    known_members,
    permitted_members,
    redact,
    refuse_additions,
    row_values,
    too_large_to_keep,
)
from apps.api.records.core.record_id import MAX_ID
from apps.api.records.reading import etag_of, item_without_large, key_of, record_id_encoder, stored_key
from apps.datasets.adapters.table.ledger import ensure_ledger_days
from apps.datasets.adapters.table.partitions import ensure_months
from apps.datasets.core.contract.contract import EXTRA
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json_reader import json_reader
from apps.datasets.core.record.record_format import Values
from apps.datasets.core.record.row_checks import MAX_BYTES
from apps.datasets.core.table.ddl import constraint_field
from apps.datasets.core.table.month_bounds import month_bounds

ALIAS = "writer"
TRIES = 3
"""Attempts, because others may create and delete the record concurrently."""
SMALL_BYTES: Final = 1024 * 1024
"""Stored records up to this size may be changed concurrently, bytes of text."""
LARGE: Final = threading.BoundedSemaphore(1)
"""Held by the only request of this process that may change a larger stored record."""
Method = Literal["POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """A write. `merge`: the body is a merge patch."""

    method: Method
    body: bytes
    record_id: str | None
    preconditions: Preconditions
    worker: str
    today: datetime.date
    merge: bool = False


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The written record as JSON, its id and ETag, and whether it is new."""

    body: str
    record_id: str
    etag: str
    created: bool


class ConcurrentInsert(Exception):
    """Another request inserted the row between our SELECT and our INSERT: retry."""


class LargeRecord(Exception):
    """The stored record is too large to change concurrently: acquire LARGE and retry."""


class WritePartitionMissing(Exception):
    """The row's month or the ledger's day has no partition yet: create it and retry."""

    def __init__(self, day: datetime.date | None) -> None:
        super().__init__(self.__doc__)
        self.day = day


def record_write(access: AccessScope, request: WriteRequest) -> WriteResult:
    """The record after the write.

    Raises DatasetReadOnly, ActionForbidden, BadRecord, RecordExists, RecordNotFound, StaleWrite, PreconditionFailed,
    DuplicateValue, and what `translate_database_errors` raises: nothing was changed.
    """
    access.require("write")
    if not access.dataset.contract.api_writes:
        raise DatasetReadOnly
    try:
        return _write_with_partitions(access, lambda: _write_serialized(access, request))
    except BadRecord as error:
        raise redact(access.schema, error) from None


def _write_serialized(access: AccessScope, request: WriteRequest) -> WriteResult:
    """Write; large records one at a time, because each takes several times its text in memory."""
    try:
        return _write_with_retries(access, request, SMALL_BYTES)
    except LargeRecord:
        pass
    if not LARGE.acquire(timeout=settings.API.lock_timeout_s):
        raise RecordLocked("another large record is being written, and nothing was changed: retry later")
    try:
        return _write_with_retries(access, request, MAX_BYTES - len(request.body))
    finally:
        LARGE.release()


def _write_with_retries(access: AccessScope, request: WriteRequest, max_bytes: int) -> WriteResult:
    for _ in range(TRIES):
        try:
            return _write_once(access, request, max_bytes)
        except ConcurrentInsert:
            continue
    raise RecordLocked


def _write_once(access: AccessScope, request: WriteRequest, max_bytes: int) -> WriteResult:
    with (
        translate_database_errors(writing=True),
        transaction.atomic(using=ALIAS),
        connections[ALIAS].cursor() as wrapper,
    ):
        cursor: Cursor[Any] = wrapper.cursor
        wait = f"{int(settings.API.lock_timeout_s * 1000)}ms"
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", (wait,))
        stored, values = _lock_and_apply(access, request, cursor, max_bytes)
        row = _write_row(access, request, cursor, values)
        if row is None:
            raise StaleWrite
        if stored is None and row.rev > 1:
            raise ConcurrentInsert
        ids = record_id_encoder(access)
        record_id = ids.encode(row.key)
        if len(record_id) > MAX_ID:
            rule = "the key is too long for the record's URL"
            raise BadRecord("out_of_range", rule, field=access.dataset.contract.key[0])
        body = _body(access, ids, cursor, row)
    created = stored.deleted if stored is not None else row.rev == 1
    return WriteResult(body, record_id, etag_of("", str(row.rev)), created=created)


def _body(access: AccessScope, ids: RecordIdEncoder, cursor: Cursor[Any], row: WrittenRow) -> str:
    """The written record, limited to what the key may read and a response may contain."""
    if "read" not in access.actions:
        return ids.record("{}", row.key)
    if row.body is not None:
        return ids.record(row.body, row.key)

    def fetch(statement: Statement) -> list[tuple[Any, ...]]:
        return cursor.execute(statement.sql, statement.params).fetchall()

    item = item_without_large(fetch, access, access.schema.fields, stored_key(access, row.key))
    return item.body if item is not None else ids.record("{}", row.key)


def _lock_and_apply(
    access: AccessScope, request: WriteRequest, cursor: Cursor[Any], max_bytes: int
) -> tuple[StoredRow | None, Values]:
    """The locked row, and its new values. Raises BadRecord and what `_check` raises."""
    contract, schema = access.dataset.contract, access.schema
    body = body_members(request.body) if request.method != "DELETE" else {}
    sent = permitted_members(schema, body, record_id=request.record_id, partial=request.method == "PATCH")
    if request.record_id is None:
        refuse_additions(schema, sent, {})
        values = row_values(contract, sent)
        stored = lock_row(cursor, contract, key_values(contract, values))
        _check(request, stored)
        return stored, values
    texts = key_of(access, request.record_id)
    kept = _kept_columns(schema, request, body)
    # A key that does not see every field may send only unknown fields that are already stored.
    columns = kept if schema.is_complete or EXTRA not in body or EXTRA in kept else (*kept, EXTRA)
    stored = lock_row(cursor, contract, texts, columns, max_bytes)
    _check(request, stored)
    key = key_members(contract, texts)
    if request.method == "DELETE":
        return stored, _tombstone(access, key)
    if stored is not None and stored.members is None and not stored.deleted:
        raise _too_large(column_sizes(cursor, contract, texts, columns, MAX_BYTES), request, max_bytes)
    current = (stored.members or {}) if stored is not None and not stored.deleted else {}
    refuse_additions(schema, sent, current)
    current = current if EXTRA in kept else known_members(contract, current)
    complete = apply_merge_patch(contract, current, sent) if request.merge else {**current, **sent}
    return stored, row_values(contract, complete, key)


def _kept_columns(schema: VisibleSchema, request: WriteRequest, body: RecordMembers) -> tuple[str, ...]:
    """The stored columns that are kept, or merged with the body."""
    if request.method == "PUT":
        return hidden_columns(schema)
    return kept_columns(schema.contract, body, merge_objects=request.merge) if request.method == "PATCH" else ()


def _too_large(sizes: Mapping[str, int], request: WriteRequest, max_bytes: int) -> Exception:
    """The error for a stored record above `max_bytes`: LargeRecord, or BadRecord if it can never be changed."""
    largest = MAX_BYTES - len(request.body)
    return LargeRecord() if max_bytes < largest and sum(sizes.values()) <= largest else too_large_to_keep(sizes)


def _check(request: WriteRequest, stored: StoredRow | None) -> None:
    present = stored is not None and not stored.deleted
    if request.method == "POST" and present:
        raise RecordExists
    if request.method in {"PATCH", "DELETE"} and not present:
        raise RecordNotFound
    tag = etag_of("", str(stored.rev)) if stored is not None and present else None
    if unmet := request.preconditions.unmet(tag):
        raise PreconditionFailed(unmet)


def _tombstone(access: AccessScope, key: RecordMembers) -> Values:
    contract = access.dataset.contract
    reader = json_reader(contract)
    members = {name: bytes(text).decode() for name, text in key.items()}
    decoded = reader.decode_key(f"[{','.join(members.values())}]".encode())
    by_name = dict(zip(contract.key, decoded, strict=True))
    return tuple(by_name.get(name) for name in reader.columns)


def _write_row(access: AccessScope, request: WriteRequest, cursor: Cursor[Any], values: Values) -> WrittenRow | None:
    day = _event_day(access, request, values)
    write = RowWrite(
        access.dataset,
        access.schema,
        values,
        deleted=request.method == "DELETE",
        size=len(request.body),
        worker=request.worker,
        max_bytes=settings.API.max_response_bytes,
    )
    try:
        return write_row(cursor, write)
    except psycopg.errors.DataError as error:
        raise BadRecord("refused_by_database", "PostgreSQL cannot store this value") from error
    except psycopg.errors.IntegrityError as error:
        raise _integrity_error(access, error, day) from error


def _event_day(access: AccessScope, request: WriteRequest, values: Values) -> datetime.date | None:
    """The UTC day of the event time. Raises BadRecord: it is outside the contract's months."""
    contract = access.dataset.contract
    moment = event_moment(contract, values)
    if moment is None:
        return None
    day = moment.astimezone(datetime.UTC).date()
    first, after = month_bounds(contract, request.today)
    if not first <= day < after:
        rule = f"the event time is outside the months from {first:%Y-%m} to before {after:%Y-%m}"
        raise BadRecord("late", rule, field=contract.event_time or "")
    return day


def _integrity_error(
    access: AccessScope, error: psycopg.errors.IntegrityError, day: datetime.date | None
) -> Exception:
    name = error.diag.constraint_name or ""
    if isinstance(error, psycopg.errors.CheckViolation) and not name:
        return WritePartitionMissing(day)
    field = constraint_field(access.dataset.contract, access.dataset.id, name)
    if isinstance(error, psycopg.errors.UniqueViolation):
        shown = field.name if field and field.name in access.schema.names else ""
        return DuplicateValue(f"another record already has this {shown!r}" if shown else "", field=shown)
    if field is not None:
        return BadRecord("missing_field", f"{field.name!r} is required and null", field=field.name)
    return error


def _write_with_partitions(access: AccessScope, write: Callable[[], WriteResult]) -> WriteResult:
    """Write; retry once after creating a missing partition for the month or the ledger's day."""
    try:
        return write()
    except WritePartitionMissing as missing:
        with translate_database_errors():
            connections[ALIAS].ensure_connection()
            connection = connections[ALIAS].connection
            ensure_ledger_days(connection)
            if missing.day is not None:
                ensure_months(connection, access.dataset.id, missing.day, missing.day)
    return write()
