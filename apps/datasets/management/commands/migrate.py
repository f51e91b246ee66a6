"""`migrate`, as the role that owns the schema."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections

from apps.datasets.adapters.owner import LOCK_TIMEOUT, sqlstate
from apps.datasets.adapters.trouble import database_line
from apps.datasets.core.errors import StoreMisconfigured


class Command(migrate.Command):
    """Django's migrate, with the alias `owner` unless another is named."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Add Django's arguments."""
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Migrate, or say in one line why not; Django's checks before it open the connection already."""
        if options["database"] not in settings.DATABASES:
            raise CommandError("ANDEN_DATABASE_OWNER_URL is not set: migrations run as the owner role")
        try:
            return super().execute(*args, **options)
        except StoreMisconfigured as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            if sqlstate(error) == "55P03":
                raise CommandError(
                    "a table of the migration named last is in use: it changed nothing, those before it stand; "
                    "run `manage.py migrate` again"
                ) from error
            raise CommandError(database_line(options["database"], error)) from error

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate; no statement waits long for a table, since all who come after it would wait behind it."""
        with connections[options["database"]].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        super().handle(*args, **options)
