"""Translates database errors into API errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db.utils import Error as DjangoError
from django.utils.connection import ConnectionDoesNotExist

from apps.api.errors import ApiError, DatabaseUnavailable, QueryTimeout, RecordLocked, ResponseTooLarge, WriteTimeout
from apps.api.records.adapters.sizes import OVERSIZED

UNDEFINED = frozenset({"42703", "42P01"})
"""Undefined column and undefined table: the contract has changed since it was read."""

UNAVAILABLE = frozenset({"08", "53", "57", "58", "40", "55", "25"})
"""SQLSTATE classes of transient errors: connection, resources, operator intervention, rollback, locks."""


class ContractOutdated(ApiError):
    """The dataset's table has changed since its contract was read: read the contract again."""


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE of a psycopg error or Django's wrapper of it; empty if the server sent none."""
    cause = error.__cause__ if isinstance(error, DjangoError) else error
    return (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""


@contextmanager
def translate_database_errors(*, writing: bool = False) -> Iterator[None]:
    """Context manager that raises database errors as API errors.

    Raises ContractOutdated: repeat with the current contract. Raises QueryTimeout, DatabaseUnavailable; if `writing`,
    also WriteTimeout and RecordLocked.
    """
    try:
        yield
    except (DjangoError, psycopg.Error, ConnectionDoesNotExist) as error:
        translated = (_write_error(error) if writing else None) or api_error(error)
        if translated is None:
            raise
        raise translated from error


def api_error(error: Exception) -> ApiError | None:
    """The API error for a database error; None for a bug in Andén."""
    if isinstance(error, ConnectionDoesNotExist):
        return DatabaseUnavailable(
            "a database role is not configured: set ANDEN_DATABASE_READER_URL and ANDEN_DATABASE_WRITER_URL"
        )
    state = sqlstate(error)
    if state in UNDEFINED:
        return ContractOutdated()
    if state == "57014":
        return QueryTimeout()
    if state == "22P02" and OVERSIZED in str(error):
        return _oversized(str(error))
    lost = not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | DjangoError)
    return DatabaseUnavailable() if lost or state[:2] in UNAVAILABLE else None


def _write_error(error: Exception) -> ApiError | None:
    state = sqlstate(error)
    if state == "55P03":
        return RecordLocked()
    return WriteTimeout() if state == "57014" else None


def _oversized(message: str) -> ResponseTooLarge:
    """The error of an export's size check, with the field's name from PostgreSQL's message."""
    name = message.partition(OVERSIZED)[2].partition("\n")[0].rstrip('"')
    return ResponseTooLarge(
        f"the field {name!r} of a record is too large for an export: exclude it with `fields`", field=name
    )
