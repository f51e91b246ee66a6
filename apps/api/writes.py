"""Writing records: what a request asks, against what stands, in one transaction with its ledger entry."""

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from django.conf import settings
from django.db import connections, transaction
from psycopg import Cursor

from apps.api.adapters.refusals import told
from apps.api.adapters.rows import RowWrite, StoredRow, WrittenRow, event_moment, lock_row, write_row
from apps.api.core.errors import (
    DatasetReadOnly,
    RecordExists,
    RecordNewer,
    RecordUnknown,
    RevisionStale,
    ValueTaken,
)
from apps.api.core.writing import (
    Parts,
    body_parts,
    discreet,
    key_parts,
    key_values,
    permitted,
    values_of,
    with_hidden,
)
from apps.api.records import etag_of, id_maker, key_of
from apps.api.selectors import Access
from apps.datasets.adapters.ledger import ensure_ledger_days
from apps.datasets.adapters.months import ensure_months
from apps.datasets.core.ddl import constraint_field
from apps.datasets.core.errors import BadRecord
from apps.datasets.core.months import month_bounds
from apps.datasets.core.record import Values, record_reader

ALIAS = "writer"
Method = Literal["POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Change:
    """What a request asks for. `if_match` holds the tags of the header, None without one."""

    method: Method
    body: bytes
    record_id: str | None
    if_match: frozenset[str] | None
    worker: str
    today: datetime.date


@dataclass(frozen=True, slots=True)
class Written:
    """The record after the write as JSON, its id and tag, and whether it is new."""

    body: str
    record_id: str
    etag: str
    created: bool


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
        return _with_partitions(access, lambda: _written(access, change))
    except BadRecord as error:
        raise discreet(access.surface, error) from None


def _written(access: Access, change: Change) -> Written:
    with told(), transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as wrapper:
        cursor: Cursor[Any] = wrapper.cursor
        wait = f"{int(settings.API.write_wait_s * 1000)}ms"
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", (wait,))
        stored, values = _desired(access, change, cursor)
        row = _stored_write(access, change, cursor, values)
        if row is None or (row.rev > 1 and stored is None and change.method == "POST"):
            # Either a newer row won, or another POST of the same key came between our look and our insert.
            raise RecordExists if row is not None else RecordNewer
    ids = id_maker(access)
    body = row.body if "read" in access.actions else "{}"
    created = stored.deleted if stored is not None else row.rev == 1
    return Written(ids.record(body, row.key), ids.make(row.key), etag_of("", str(row.rev)), created=created)


def _desired(access: Access, change: Change, cursor: Cursor[Any]) -> tuple[StoredRow | None, Values]:
    """The locked row, and the values that shall stand. Raises what the change does not fit."""
    contract, surface = access.applied.contract, access.surface
    sent: Parts = {}
    if change.method != "DELETE":
        sent = permitted(surface, body_parts(change.body), record_id=change.record_id)
    if change.record_id is None:
        values = values_of(contract, sent)
        stored = lock_row(cursor, contract, key_values(contract, values))
        _check(change, stored)
        return stored, values
    texts = key_of(access, change.record_id)
    key = key_parts(contract, texts)
    stored = lock_row(cursor, contract, texts)
    _check(change, stored)
    if change.method == "DELETE":
        return stored, _tombstone(access, key)
    standing: Parts = stored.parts if stored and not stored.deleted else {}
    whole = {**standing, **sent} if change.method == "PATCH" else with_hidden(surface, sent, standing)
    return stored, values_of(contract, whole, key)


def _check(change: Change, stored: StoredRow | None) -> None:
    present = stored is not None and not stored.deleted
    if change.method == "POST" and present:
        raise RecordExists
    if change.method in {"PATCH", "DELETE"} and not present:
        raise RecordUnknown
    if change.if_match is None:
        return
    tag = etag_of("", str(stored.rev)) if stored is not None and present else None
    if tag is None or not change.if_match & {tag, "*"}:
        raise RevisionStale


def _tombstone(access: Access, key: Parts) -> Values:
    contract = access.applied.contract
    reader = record_reader(contract)
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
