"""What a database's error says to a person."""

from typing import Final

import psycopg
from django.conf import settings
from django.db.utils import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

from apps.datasets.adapters.database.connections import connect

MISSING: Final = frozenset({"42P01", "42703", "3F000"})
"""A table, column or schema that is not there."""

FATAL: Final = "FATAL:"
MISTAKEN: Final = ("authentication failed", "does not exist", "no pg_hba.conf entry")
"""What PostgreSQL says to a wrong user, password or database."""

DEFAULT_PORT: Final = 5432


def database_location(alias: str) -> str:
    """Where the database behind the alias is."""
    place = settings.DATABASES[alias]
    return f"PostgreSQL at {place['HOST']}:{place['PORT'] or DEFAULT_PORT}"


def explain_database_error(alias: str, error: Exception) -> str:
    """What is wrong with the database behind the alias: where it is and what to do, in one line."""
    error = _reason(alias, error)
    where = database_location(alias)
    variable = f"ANDEN_DATABASE_{'APP' if alias == 'default' else alias.upper()}_URL"
    state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if state in MISSING:
        return f"{where} lacks a table or column: run `manage.py migrate` ({first})"
    if state == "42501":
        role = settings.DATABASES[alias]["USER"]
        return f"{where} refuses the role {role}: run `manage.py migrate`, which grants ({first})"
    if state and not state.startswith(("08", "57P")):
        return f"{where} refused: {first} ({state})"
    if FATAL in str(error):  # it answers, and says no: a wrong password, a database that is not there
        said = str(error).split(FATAL, 1)[1].strip().splitlines()[0]
        return f"{where} refused: {said}" + (f": mend {variable}" if any(part in said for part in MISTAKEN) else "")
    if isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError):
        return f"{where} does not answer: start it, or mend {variable}"
    return f"{where} refused: {first}"


def _reason(alias: str, error: Exception) -> Exception:
    """The error itself, or, where a pool says only that it waited, what PostgreSQL says to a connection of our own."""
    if isinstance(error.__cause__, PoolTimeout):
        try:
            connect(alias).close()
        except psycopg.OperationalError as told:
            return told
    return error
