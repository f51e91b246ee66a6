"""`manage.py steward create NAME`: create a login for the admin."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from apps.console.errors import ConsoleError
from apps.console.groups import STEWARD, VIEWER
from apps.console.services import login_ensure
from apps.datasets.management.base import AndenCommand


class Command(AndenCommand):
    """Creates logins; prints a password only if it generated one, and only once."""

    help = "Create an admin login, or update one. The password is ANDEN_STEWARD_PASSWORD, or generated."
    expected_errors = (ConsoleError,)

    def add_arguments(self, parser: CommandParser) -> None:
        create = parser.add_subparsers(dest="action", required=True).add_parser(
            "create", help="Create the login, or update it."
        )
        create.add_argument("name", help="Username.")
        create.add_argument(
            "--group", choices=(STEWARD, VIEWER), default=STEWARD, help="Group, which sets the permissions."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        given = settings.ANDEN.steward_password
        password = given.get_secret_value() if given else None
        login = login_ensure(options["name"], group=options["group"], password=password)
        self.stdout.write(f"{options['group']} {login.name} {'created' if login.created else 'updated'}")
        if login.password:
            self.stdout.write(f"password (shown once): {login.password}")
