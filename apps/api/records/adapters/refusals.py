"""What PostgreSQL's refusals mean to a caller of the API."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db.utils import Error as DjangoError
from django.utils.connection import ConnectionDoesNotExist

from apps.api.errors import AnswerTooLarge, ApiError, QueryTooSlow, RecordBusy, StoreAway, WriteTooSlow
from apps.api.records.adapters.sizes import OVERSIZED

UNDEFINED = frozenset({"42703", "42P01"})
"""Undefined column and table: the contract has changed since it was read."""

AWAY = frozenset({"08", "53", "57", "58", "40", "55", "25"})
"""SQLSTATE classes of a server that cannot do it now: connection, resources, operator, rollback, locks."""


class ContractMoved(ApiError):
    """The dataset's table has changed since its contract was read: read it again."""


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE of a driver's error or of Django's wrapping of it; empty where the server said none."""
    cause = error.__cause__ if isinstance(error, DjangoError) else error
    return (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""


@contextmanager
def told(*, writing: bool = False) -> Iterator[None]:
    """Database errors inside become the errors of api.

    Raises ContractMoved: ask again with the contract that stands. Raises QueryTooSlow, StoreAway; while writing,
    WriteTooSlow and RecordBusy.
    """
    try:
        yield
    except (DjangoError, psycopg.Error, ConnectionDoesNotExist) as error:
        meant = (_write_reaction(error) if writing else None) or reaction(error)
        if meant is None:
            raise
        raise meant from error


def reaction(error: Exception) -> ApiError | None:
    """What a database error asks the caller to do; None for one that is our own fault."""
    if isinstance(error, ConnectionDoesNotExist):
        return StoreAway("a role of the database is not configured: set ANDEN_DATABASE_READER_URL and _WRITER_URL")
    state = sqlstate(error)
    if state in UNDEFINED:
        return ContractMoved()
    if state == "57014":
        return QueryTooSlow()
    if state == "22P02" and OVERSIZED in str(error):
        return _oversized(str(error))
    lost = not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | DjangoError)
    return StoreAway() if lost or state[:2] in AWAY else None


def _write_reaction(error: Exception) -> ApiError | None:
    state = sqlstate(error)
    if state == "55P03":
        return RecordBusy()
    return WriteTooSlow() if state == "57014" else None


def _oversized(message: str) -> AnswerTooLarge:
    """The refusal of an export, whose statement has the name in quotes at the end of a line."""
    name = message.partition(OVERSIZED)[2].partition("\n")[0].rstrip('"')
    return AnswerTooLarge(f"a record's {name!r} is too large for an export: leave it out with `fields`", field=name)
