"""Base of Andén's commands: every expected error ends in one line with the next step."""

from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError
from django.db.utils import DatabaseError, InterfaceError

from apps.datasets.adapters.database.error_messages import explain_database_error
from apps.datasets.core.errors import DatasetsError


class AndenCommand(BaseCommand):
    """A command that prints expected errors as lines, not tracebacks; `expected_errors` adds those of its app."""

    alias = "default"
    expected_errors: tuple[type[Exception], ...] = ()

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; every error that an operator can fix becomes a CommandError."""
        expected: tuple[type[Exception], ...] = (DatasetsError, *self.expected_errors)
        try:
            return super().execute(*args, **options)
        except expected as error:
            raise CommandError(str(error)) from error
        except (DatabaseError, InterfaceError, psycopg.Error) as error:
            raise CommandError(explain_database_error(self.alias, error)) from error
