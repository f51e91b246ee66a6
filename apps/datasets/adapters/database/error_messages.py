"""Database errors, explained to an operator."""

from typing import Final

import psycopg
from django.conf import settings
from django.db.utils import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

from apps.datasets.adapters.database.connections import connect

MISSING: Final = frozenset({"42P01", "42703", "3F000"})
"""Undefined table, column or schema."""

FATAL: Final = "FATAL:"
MISTAKEN: Final = ("authentication failed", "does not exist", "no pg_hba.conf entry")
"""PostgreSQL's messages for a wrong user, password or database."""

DEFAULT_PORT: Final = 5432


def database_location(alias: str) -> str:
    """Host and port of the database behind the alias."""
    database = settings.DATABASES[alias]
    return f"PostgreSQL at {database['HOST']}:{database['PORT'] or DEFAULT_PORT}"


def explain_database_error(alias: str, error: Exception) -> str:
    """The error of the database behind the alias in one line: which server, and what to do."""
    error = _reason(alias, error)
    where = database_location(alias)
    variable = f"ANDEN_DATABASE_{'APP' if alias == 'default' else alias.upper()}_URL"
    state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if state in MISSING:
        return f"{where} lacks a table or column: run `manage.py migrate` ({first})"
    if state == "42501":
        return f"{where} denied access ({first}): `manage.py doctor` names the role and the right that it lacks"
    if state and not state.startswith(("08", "57P")):
        return f"{where} refused: {first} ({state})"
    if FATAL in str(error):  # it answers and refuses: a wrong password, or no such database
        reply = str(error).split(FATAL, 1)[1].strip().splitlines()[0]
        return f"{where} refused: {reply}" + (f": fix {variable}" if any(part in reply for part in MISTAKEN) else "")
    if isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError):
        return f"{where} does not respond: start it, or fix {variable}"
    return f"{where} refused: {first}"


def _reason(alias: str, error: Exception) -> Exception:
    """The error, or, for a pool timeout, the error that PostgreSQL gives to a direct connection."""
    if isinstance(error.__cause__, PoolTimeout):
        try:
            connect(alias).close()
        except psycopg.OperationalError as reply:
            return reply
    return error
