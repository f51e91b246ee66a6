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

from apps.api.access.selectors import Access
from apps.api.access.surface import Surface
from apps.api.errors import (
    DatasetReadOnly,
    RecordBusy,
    RecordExists,
    RecordNewer,
    RecordUnknown,
    RevisionStale,
    ValueTaken,
)
from apps.api.records.adapters.pages import IdMaker
from apps.api.records.adapters.refusals import told
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
from apps.api.records.core.record_id import MAX_ID
from apps.api.records.core.writing import (
    Parts,
    body_parts,
    discreet,
    hidden_columns,
    kept_columns,
    key_parts,
    key_values,
    merge_patched,
    permitted,
    refuse_additions,
    too_large_to_keep,
    values_of,
    without_unknown,
)
from apps.api.records.reading import etag_of, id_maker, item_without_large, key_of, stored_key
from apps.datasets.adapters.table.ledger import ensure_ledger_days
from apps.datasets.adapters.table.partitions import ensure_months
from apps.datasets.core.contract.contract import EXTRA
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.record.json import json_reader
from apps.datasets.core.record.record_format import Values
from apps.datasets.core.record.row_checks import MAX_BYTES
from apps.datasets.core.table.ddl import constraint_field
from apps.datasets.core.table.months import month_bounds

ALIAS = "writer"
TRIES = 3
"""Looks at a record that others make and remove in the same moment."""
SMALL_BYTES: Final = 1024 * 1024
"""Text of a stored record that any number of changes may read at once."""
LARGE: Final = threading.BoundedSemaphore(1)
"""Held by the one change of this process that works on a stored record with more text."""
Method = Literal["POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Change:
    """What a request asks for; a body that is `merged` goes into the stored record's objects."""

    method: Method
    body: bytes
    record_id: str | None
    preconditions: Preconditions
    worker: str
    today: datetime.date
    merged: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """The record after the write as JSON, its id and tag, and whether it is new."""

    body: str
    record_id: str
    etag: str
    created: bool


class RowMade(Exception):
    """Another request made the row between our look and our insert: look again."""


class RecordLarge(Exception):
    """The record has more text than many may read at once: wait for your turn, and look again."""


class PartitionMissing(Exception):
    """The row's month or the ledger's day has no partition yet: make it and write again."""

    def __init__(self, day: datetime.date | None) -> None:
        super().__init__(self.__doc__)
        self.day = day


def record_write(access: Access, change: Change) -> Written:
    """The record as it stands after the change.

    Raises DatasetReadOnly, ActionRefused, BadRecord, RecordExists, RecordUnknown, RecordNewer, RevisionStale,
    ValueTaken, and what a fetch raises: nothing was changed.
    """
    access.require("write")
    if not access.applied.contract.api_writes:
        raise DatasetReadOnly
    try:
        return _with_partitions(access, lambda: _in_turn(access, change))
    except BadRecord as error:
        raise discreet(access.surface, error) from None


def _in_turn(access: Access, change: Change) -> Written:
    """The write: of a large record one after the other, for each takes several times its text in memory."""
    try:
        return _looked_again(access, change, SMALL_BYTES)
    except RecordLarge:
        pass
    if not LARGE.acquire(timeout=settings.API.write_wait_s):
        raise RecordBusy("another large record is being changed, and nothing was changed: try again later")
    try:
        return _looked_again(access, change, MAX_BYTES - len(change.body))
    finally:
        LARGE.release()


def _looked_again(access: Access, change: Change, most_bytes: int) -> Written:
    for _ in range(TRIES):
        try:
            return _written(access, change, most_bytes)
        except RowMade:
            continue
    raise RecordBusy


def _written(access: Access, change: Change, most_bytes: int) -> Written:
    with told(writing=True), transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as wrapper:
        cursor: Cursor[Any] = wrapper.cursor
        wait = f"{int(settings.API.write_wait_s * 1000)}ms"
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", (wait,))
        stored, values = _desired(access, change, cursor, most_bytes)
        row = _stored_write(access, change, cursor, values)
        if row is None:
            raise RecordNewer
        if stored is None and row.rev > 1:
            raise RowMade
        ids = id_maker(access)
        record_id = ids.make(row.key)
        if len(record_id) > MAX_ID:
            rule = "the key is longer than an address of its record may be"
            raise BadRecord("out_of_range", rule, field=access.applied.contract.key[0])
        body = _body(access, ids, cursor, row)
    created = stored.deleted if stored is not None else row.rev == 1
    return Written(body, record_id, etag_of("", str(row.rev)), created=created)


def _body(access: Access, ids: IdMaker, cursor: Cursor[Any], row: WrittenRow) -> str:
    """The record as it stands, as far as the key may read it and an answer can carry it."""
    if "read" not in access.actions:
        return ids.record("{}", row.key)
    if row.body is not None:
        return ids.record(row.body, row.key)

    def fetch(statement: Statement) -> list[tuple[Any, ...]]:
        return cursor.execute(statement.sql, statement.params).fetchall()

    item = item_without_large(fetch, access, access.surface.fields, stored_key(access, row.key))
    return item.body if item is not None else ids.record("{}", row.key)


def _desired(access: Access, change: Change, cursor: Cursor[Any], most_bytes: int) -> tuple[StoredRow | None, Values]:
    """The locked row, and the values that shall stand. Raises what the change does not fit."""
    contract, surface = access.applied.contract, access.surface
    body = body_parts(change.body) if change.method != "DELETE" else {}
    sent = permitted(surface, body, record_id=change.record_id, in_part=change.method == "PATCH")
    if change.record_id is None:
        refuse_additions(surface, sent, {})
        values = values_of(contract, sent)
        stored = lock_row(cursor, contract, key_values(contract, values))
        _check(change, stored)
        return stored, values
    texts = key_of(access, change.record_id)
    kept = _kept_columns(surface, change, body)
    # Whoever does not see every field may send only the unknown ones that are there.
    columns = kept if surface.whole or EXTRA not in body or EXTRA in kept else (*kept, EXTRA)
    stored = lock_row(cursor, contract, texts, columns, most_bytes)
    _check(change, stored)
    key = key_parts(contract, texts)
    if change.method == "DELETE":
        return stored, _tombstone(access, key)
    if stored is not None and stored.parts is None and not stored.deleted:
        raise _too_large(column_sizes(cursor, contract, texts, columns, MAX_BYTES), change, most_bytes)
    standing = (stored.parts or {}) if stored is not None and not stored.deleted else {}
    refuse_additions(surface, sent, standing)
    standing = standing if EXTRA in kept else without_unknown(contract, standing)
    whole = merge_patched(contract, standing, sent) if change.merged else {**standing, **sent}
    return stored, values_of(contract, whole, key)


def _kept_columns(surface: Surface, change: Change, body: Parts) -> tuple[str, ...]:
    """The columns of the stored row that the row shall keep, or that are merged with what was sent."""
    if change.method == "PUT":
        return hidden_columns(surface)
    return kept_columns(surface.contract, body, merged=change.merged) if change.method == "PATCH" else ()


def _too_large(sizes: Mapping[str, int], change: Change, most_bytes: int) -> Exception:
    """What to do about a stored record that makes more than the bytes: RecordLarge, or BadRecord for good."""
    largest = MAX_BYTES - len(change.body)
    return RecordLarge() if most_bytes < largest and sum(sizes.values()) <= largest else too_large_to_keep(sizes)


def _check(change: Change, stored: StoredRow | None) -> None:
    present = stored is not None and not stored.deleted
    if change.method == "POST" and present:
        raise RecordExists
    if change.method in {"PATCH", "DELETE"} and not present:
        raise RecordUnknown
    tag = etag_of("", str(stored.rev)) if stored is not None and present else None
    if unmet := change.preconditions.unmet(tag):
        raise RevisionStale(unmet)


def _tombstone(access: Access, key: Parts) -> Values:
    contract = access.applied.contract
    reader = json_reader(contract)
    parts = {name: bytes(text).decode() for name, text in key.items()}
    decoded = reader.decode_key(f"[{','.join(parts.values())}]".encode())
    by_name = dict(zip(contract.key, decoded, strict=True))
    return tuple(by_name.get(name) for name in reader.columns)


def _stored_write(access: Access, change: Change, cursor: Cursor[Any], values: Values) -> WrittenRow | None:
    day = _event_day(access, change, values)
    write = RowWrite(
        access.applied,
        access.surface,
        values,
        deleted=change.method == "DELETE",
        size=len(change.body),
        worker=change.worker,
        most_bytes=settings.API.max_answer_bytes,
    )
    try:
        return write_row(cursor, write)
    except psycopg.errors.DataError as error:
        raise BadRecord("refused_by_database", "PostgreSQL cannot store this value") from error
    except psycopg.errors.IntegrityError as error:
        raise _meaning(access, error, day) from error


def _event_day(access: Access, change: Change, values: Values) -> datetime.date | None:
    """The day of the event time in UTC. Raises BadRecord: it lies outside of the contract's months."""
    contract = access.applied.contract
    moment = event_moment(contract, values)
    if moment is None:
        return None
    day = moment.astimezone(datetime.UTC).date()
    first, after = month_bounds(contract, change.today)
    if not first <= day < after:
        rule = f"the event time lies outside of the months from {first:%Y-%m} to before {after:%Y-%m}"
        raise BadRecord("late", rule, field=contract.event_time or "")
    return day


def _meaning(access: Access, error: psycopg.errors.IntegrityError, day: datetime.date | None) -> Exception:
    name = error.diag.constraint_name or ""
    if isinstance(error, psycopg.errors.CheckViolation) and not name:
        return PartitionMissing(day)
    field = constraint_field(access.applied.contract, access.applied.id, name)
    if isinstance(error, psycopg.errors.UniqueViolation):
        shown = field.name if field and field.name in access.surface.names else ""
        return ValueTaken(f"another record has this {shown!r}" if shown else "", field=shown)
    if field is not None:
        return BadRecord("missing_field", f"{field.name!r} is required and null", field=field.name)
    return error


def _with_partitions(access: Access, write: Callable[[], Written]) -> Written:
    """The write, once more where the month or the ledger's day had no partition yet."""
    try:
        return write()
    except PartitionMissing as missing:
        with told():
            connections[ALIAS].ensure_connection()
            connection = connections[ALIAS].connection
            ensure_ledger_days(connection)
            if missing.day is not None:
                ensure_months(connection, access.applied.id, missing.day, missing.day)
    return write()
