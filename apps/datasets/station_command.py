"""The base of Andén's commands: every trouble that is no defect ends in one line that says what to do."""

from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.utils import DatabaseError, InterfaceError, OperationalError

from apps.datasets.core.errors import DatasetsError

MISSING = {"42P01", "42703", "3F000"}
"""A table, column or schema that is not there."""

FATAL = "FATAL:"


class StationCommand(BaseCommand):
    """A command whose expected errors are lines, not tracebacks; `troubles` are those of its app besides."""

    alias = "default"
    troubles: tuple[type[Exception], ...] = ()

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; every error that a person can mend becomes a CommandError."""
        expected: tuple[type[Exception], ...] = (DatasetsError, *self.troubles)
        try:
            return super().execute(*args, **options)
        except expected as error:
            raise CommandError(str(error)) from error
        except (DatabaseError, InterfaceError, psycopg.Error) as error:
            raise CommandError(database_line(self.alias, error)) from error


def database_line(alias: str, error: Exception) -> str:
    """What is wrong with the database behind the alias: where it is and what to do, in one line."""
    place = settings.DATABASES.get(alias, {})
    where = f"PostgreSQL at {place.get('HOST')}:{place.get('PORT')}"
    role = "app" if alias == "default" else alias
    state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if state in MISSING:
        return f"{where} lacks a table or column: run `manage.py migrate` ({first})"
    if state == "42501":
        return f"{where} refuses the role {place.get('USER')}: run `manage.py migrate`, which grants ({first})"
    if state and not state.startswith(("08", "57P")):
        return f"{where} refused: {first} ({state})"
    if FATAL in str(error):  # it answers, and says no: a wrong password, a database that is not there
        return f"{where} refused: {str(error).split(FATAL, 1)[1].strip().splitlines()[0]}"
    if isinstance(error, OperationalError | InterfaceError | psycopg.OperationalError | psycopg.InterfaceError):
        return f"{where} does not answer: start it, or mend ANDEN_DATABASE_{role.upper()}_URL"
    return f"{where} refused: {first}"
