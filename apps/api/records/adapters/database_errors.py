"""What PostgreSQL's refusals mean to a caller of the API."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db.utils import Error as DjangoError
from django.utils.connection import ConnectionDoesNotExist

from apps.api.errors import ApiError, DatabaseUnavailable, QueryTimeout, RecordLocked, ResponseTooLarge, WriteTimeout
from apps.api.records.adapters.sizes import OVERSIZED

UNDEFINED = frozenset({"42703", "42P01"})
"""Undefined column and table: the contract has changed since it was read."""

AWAY = frozenset({"08", "53", "57", "58", "40", "55", "25"})
"""SQLSTATE classes of a server that cannot do it now: connection, resources, operator, rollback, locks."""


class ContractChanged(ApiError):
    """The dataset's table has changed since its contract was read: read it again."""


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE of a driver's error or of Django's wrapping of it; empty where the server said none."""
    cause = error.__cause__ if isinstance(error, DjangoError) else error
    return (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""


@contextmanager
def translate_database_errors(*, writing: bool = False) -> Iterator[None]:
    """Database errors inside become the errors of api.

    Raises ContractChanged: repeat with the current contract. Raises QueryTimeout, DatabaseUnavailable; while writing,
    WriteTimeout and RecordLocked.
    """
    try:
        yield
    except (DjangoError, psycopg.Error, ConnectionDoesNotExist) as error:
        meant = (_write_reaction(error) if writing else None) or api_error(error)
        if meant is None:
            raise
        raise meant from error


def api_error(error: Exception) -> ApiError | None:
    """What a database error asks the caller to do; None for one that is our own fault."""
    if isinstance(error, ConnectionDoesNotExist):
        return DatabaseUnavailable(
            "a role of the database is not configured: set ANDEN_DATABASE_READER_URL and _WRITER_URL"
        )
    state = sqlstate(error)
    if state in UNDEFINED:
        return ContractChanged()
    if state == "57014":
        return QueryTimeout()
    if state == "22P02" and OVERSIZED in str(error):
        return _oversized(str(error))
    lost = not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | DjangoError)
    return DatabaseUnavailable() if lost or state[:2] in AWAY else None


def _write_reaction(error: Exception) -> ApiError | None:
    state = sqlstate(error)
    if state == "55P03":
        return RecordLocked()
    return WriteTimeout() if state == "57014" else None


def _oversized(message: str) -> ResponseTooLarge:
    """The refusal of an export, whose statement has the name in quotes at the end of a line."""
    name = message.partition(OVERSIZED)[2].partition("\n")[0].rstrip('"')
    return ResponseTooLarge(f"a record's {name!r} is too large for an export: leave it out with `fields`", field=name)
