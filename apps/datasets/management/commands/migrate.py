"""`migrate`, as the role that owns the schema."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connections

from apps.datasets.adapters.database.error_messages import explain_database_error
from apps.datasets.adapters.database.owner_transaction import ALIAS, LOCK_TIMEOUT, sqlstate
from apps.datasets.core.errors import StoreMisconfigured
from apps.datasets.services import analyst_views_ensure


class Command(migrate.Command):
    """Django's migrate, by default with the alias `owner`."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database=ALIAS)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Migrate, or report an error in one line; Django's checks already open the connection before `handle`."""
        if options["database"] not in settings.DATABASES:
            raise CommandError("ANDEN_DATABASE_OWNER_URL is not set: migrations run as the owner role")
        try:
            return super().execute(*args, **options)
        except StoreMisconfigured as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            if sqlstate(error) == "55P03":
                raise CommandError(
                    "a table of the migration named last is in use; it changed nothing, earlier ones are applied: "
                    "run `manage.py migrate` again"
                ) from error
            raise CommandError(explain_database_error(options["database"], error)) from error

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, with a lock timeout: all later statements on a table would queue behind a waiting one."""
        with connections[options["database"]].cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
        super().handle(*args, **options)
        if options["database"] == ALIAS and not (
            options["app_label"] or options["plan"] or options["check_unapplied"]
        ):
            self._ensure_views(report=options["verbosity"] > 0)

    def _ensure_views(self, *, report: bool) -> None:
        """Update the analyst views: this release, or a setting, may hide other columns than before.

        Raises CommandError: a view is in use, and analysts cannot read it until it is recreated. Errors that a retry
        cannot fix, such as an unreadable contract, are printed and do not block the release.
        """
        done = list(analyst_views_ensure())
        for each in done if report else ():
            state = f"revoked from analysts: {each.reason}" if each.reason else f"shows {', '.join(each.columns)}"
            self.stdout.write(f"  View analyst.{each.name} {state}")
        if names := [each.name for each in done if each.retryable]:
            raise CommandError(f"revoked from analysts until `manage.py migrate` runs again: {', '.join(names)}")
