"""`manage.py steward create NAME`: a login for the admin."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.console.errors import ConsoleError
from apps.console.groups import STEWARD, VIEWER
from apps.console.services import login_ensure
from apps.datasets.management.base import AndenCommand


class Command(AndenCommand):
    """Makes logins; says a password only where it made one up, and only once."""

    help = "Makes a login for the admin, or keeps it. The password is ANDEN_STEWARD_PASSWORD or made up."
    expected_errors = (ConsoleError,)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare `create NAME [--group]`."""
        create = parser.add_subparsers(dest="action", required=True).add_parser(
            "create", help="Make the login, or keep it."
        )
        create.add_argument("name", help="Name to log in with.")
        create.add_argument("--group", choices=(STEWARD, VIEWER), default=STEWARD, help="What it may do.")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make or keep the login."""
        given = settings.ANDEN.steward_password
        password = given.get_secret_value() if given else None
        login = login_ensure(options["name"], group=options["group"], password=password)
        self.stdout.write(f"{options['group']} {login.name} {'made' if login.created else 'kept'}")
        if login.password:
            self.stdout.write(f"password (shown once): {login.password}")
