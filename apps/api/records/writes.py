"""Writing records: what a request asks, against what stands, in one transaction with its ledger entry."""

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
"""Looks at a record that others make and remove in the same moment."""
SMALL_BYTES: Final = 1024 * 1024
"""Text of a stored record that any number of changes may read at once."""
LARGE: Final = threading.BoundedSemaphore(1)
"""Held by the one change of this process that works on a stored record with more text."""
Method = Literal["POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """What a request asks for; a body that is `merged` goes into the stored record's objects."""

    method: Method
    body: bytes
    record_id: str | None
    preconditions: Preconditions
    worker: str
    today: datetime.date
    merged: bool = False


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The record after the write as JSON, its id and tag, and whether it is new."""

    body: str
    record_id: str
    etag: str
    created: bool


class ConcurrentInsert(Exception):
    """Another request made the row between our look and our insert: look again."""


class LargeRecord(Exception):
    """The record has more text than many may read at once: wait for your turn, and look again."""


class WritePartitionMissing(Exception):
    """The row's month or the ledger's day has no partition yet: make it and write again."""

    def __init__(self, day: datetime.date | None) -> None:
        super().__init__(self.__doc__)
        self.day = day


def record_write(access: AccessScope, change: WriteRequest) -> WriteResult:
    """The record as it stands after the change.

    Raises DatasetReadOnly, ActionForbidden, BadRecord, RecordExists, RecordNotFound, StaleWrite, PreconditionFailed,
    DuplicateValue, and what a fetch raises: nothing was changed.
    """
    access.require("write")
    if not access.dataset.contract.api_writes:
        raise DatasetReadOnly
    try:
        return _with_partitions(access, lambda: _in_turn(access, change))
    except BadRecord as error:
        raise redact(access.schema, error) from None


def _in_turn(access: AccessScope, change: WriteRequest) -> WriteResult:
    """The write: of a large record one after the other, for each takes several times its text in memory."""
    try:
        return _looked_again(access, change, SMALL_BYTES)
    except LargeRecord:
        pass
    if not LARGE.acquire(timeout=settings.API.lock_timeout_s):
        raise RecordLocked("another large record is being changed, and nothing was changed: try again later")
    try:
        return _looked_again(access, change, MAX_BYTES - len(change.body))
    finally:
        LARGE.release()


def _looked_again(access: AccessScope, change: WriteRequest, max_bytes: int) -> WriteResult:
    for _ in range(TRIES):
        try:
            return _written(access, change, max_bytes)
        except ConcurrentInsert:
            continue
    raise RecordLocked


def _written(access: AccessScope, change: WriteRequest, max_bytes: int) -> WriteResult:
    with (
        translate_database_errors(writing=True),
        transaction.atomic(using=ALIAS),
        connections[ALIAS].cursor() as wrapper,
    ):
        cursor: Cursor[Any] = wrapper.cursor
        wait = f"{int(settings.API.lock_timeout_s * 1000)}ms"
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", (wait,))
        stored, values = _desired(access, change, cursor, max_bytes)
        row = _stored_write(access, change, cursor, values)
        if row is None:
            raise StaleWrite
        if stored is None and row.rev > 1:
            raise ConcurrentInsert
        ids = record_id_encoder(access)
        record_id = ids.make(row.key)
        if len(record_id) > MAX_ID:
            rule = "the key is longer than an address of its record may be"
            raise BadRecord("out_of_range", rule, field=access.dataset.contract.key[0])
        body = _body(access, ids, cursor, row)
    created = stored.deleted if stored is not None else row.rev == 1
    return WriteResult(body, record_id, etag_of("", str(row.rev)), created=created)


def _body(access: AccessScope, ids: RecordIdEncoder, cursor: Cursor[Any], row: WrittenRow) -> str:
    """The record as it stands, as far as the key may read it and an answer can carry it."""
    if "read" not in access.actions:
        return ids.record("{}", row.key)
    if row.body is not None:
        return ids.record(row.body, row.key)

    def fetch(statement: Statement) -> list[tuple[Any, ...]]:
        return cursor.execute(statement.sql, statement.params).fetchall()

    item = item_without_large(fetch, access, access.schema.fields, stored_key(access, row.key))
    return item.body if item is not None else ids.record("{}", row.key)


def _desired(
    access: AccessScope, change: WriteRequest, cursor: Cursor[Any], max_bytes: int
) -> tuple[StoredRow | None, Values]:
    """The locked row, and the values that shall stand. Raises what the change does not fit."""
    contract, schema = access.dataset.contract, access.schema
    body = body_members(change.body) if change.method != "DELETE" else {}
    sent = permitted_members(schema, body, record_id=change.record_id, in_part=change.method == "PATCH")
    if change.record_id is None:
        refuse_additions(schema, sent, {})
        values = row_values(contract, sent)
        stored = lock_row(cursor, contract, key_values(contract, values))
        _check(change, stored)
        return stored, values
    texts = key_of(access, change.record_id)
    kept = _kept_columns(schema, change, body)
    # Whoever does not see every field may send only the unknown ones that are there.
    columns = kept if schema.is_complete or EXTRA not in body or EXTRA in kept else (*kept, EXTRA)
    stored = lock_row(cursor, contract, texts, columns, max_bytes)
    _check(change, stored)
    key = key_members(contract, texts)
    if change.method == "DELETE":
        return stored, _tombstone(access, key)
    if stored is not None and stored.parts is None and not stored.deleted:
        raise _too_large(column_sizes(cursor, contract, texts, columns, MAX_BYTES), change, max_bytes)
    standing = (stored.parts or {}) if stored is not None and not stored.deleted else {}
    refuse_additions(schema, sent, standing)
    standing = standing if EXTRA in kept else known_members(contract, standing)
    whole = apply_merge_patch(contract, standing, sent) if change.merged else {**standing, **sent}
    return stored, row_values(contract, whole, key)


def _kept_columns(schema: VisibleSchema, change: WriteRequest, body: RecordMembers) -> tuple[str, ...]:
    """The columns of the stored row that the row shall keep, or that are merged with what was sent."""
    if change.method == "PUT":
        return hidden_columns(schema)
    return kept_columns(schema.contract, body, merged=change.merged) if change.method == "PATCH" else ()


def _too_large(sizes: Mapping[str, int], change: WriteRequest, max_bytes: int) -> Exception:
    """What to do about a stored record that makes more than the bytes: LargeRecord, or BadRecord for good."""
    largest = MAX_BYTES - len(change.body)
    return LargeRecord() if max_bytes < largest and sum(sizes.values()) <= largest else too_large_to_keep(sizes)


def _check(change: WriteRequest, stored: StoredRow | None) -> None:
    present = stored is not None and not stored.deleted
    if change.method == "POST" and present:
        raise RecordExists
    if change.method in {"PATCH", "DELETE"} and not present:
        raise RecordNotFound
    tag = etag_of("", str(stored.rev)) if stored is not None and present else None
    if unmet := change.preconditions.unmet(tag):
        raise PreconditionFailed(unmet)


def _tombstone(access: AccessScope, key: RecordMembers) -> Values:
    contract = access.dataset.contract
    reader = json_reader(contract)
    parts = {name: bytes(text).decode() for name, text in key.items()}
    decoded = reader.decode_key(f"[{','.join(parts.values())}]".encode())
    by_name = dict(zip(contract.key, decoded, strict=True))
    return tuple(by_name.get(name) for name in reader.columns)


def _stored_write(access: AccessScope, change: WriteRequest, cursor: Cursor[Any], values: Values) -> WrittenRow | None:
    day = _event_day(access, change, values)
    write = RowWrite(
        access.dataset,
        access.schema,
        values,
        deleted=change.method == "DELETE",
        size=len(change.body),
        worker=change.worker,
        max_bytes=settings.API.max_response_bytes,
    )
    try:
        return write_row(cursor, write)
    except psycopg.errors.DataError as error:
        raise BadRecord("refused_by_database", "PostgreSQL cannot store this value") from error
    except psycopg.errors.IntegrityError as error:
        raise _meaning(access, error, day) from error


def _event_day(access: AccessScope, change: WriteRequest, values: Values) -> datetime.date | None:
    """The day of the event time in UTC. Raises BadRecord: it lies outside of the contract's months."""
    contract = access.dataset.contract
    moment = event_moment(contract, values)
    if moment is None:
        return None
    day = moment.astimezone(datetime.UTC).date()
    first, after = month_bounds(contract, change.today)
    if not first <= day < after:
        rule = f"the event time lies outside of the months from {first:%Y-%m} to before {after:%Y-%m}"
        raise BadRecord("late", rule, field=contract.event_time or "")
    return day


def _meaning(access: AccessScope, error: psycopg.errors.IntegrityError, day: datetime.date | None) -> Exception:
    name = error.diag.constraint_name or ""
    if isinstance(error, psycopg.errors.CheckViolation) and not name:
        return WritePartitionMissing(day)
    field = constraint_field(access.dataset.contract, access.dataset.id, name)
    if isinstance(error, psycopg.errors.UniqueViolation):
        shown = field.name if field and field.name in access.schema.names else ""
        return DuplicateValue(f"another record has this {shown!r}" if shown else "", field=shown)
    if field is not None:
        return BadRecord("missing_field", f"{field.name!r} is required and null", field=field.name)
    return error


def _with_partitions(access: AccessScope, write: Callable[[], WriteResult]) -> WriteResult:
    """The write, once more where the month or the ledger's day had no partition yet."""
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
