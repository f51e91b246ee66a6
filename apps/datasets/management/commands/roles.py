"""`roles ensure`: the database, its roles and their passwords, as in the URLs."""

from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import CommandParser
from psycopg.conninfo import conninfo_to_dict

from apps.datasets.adapters.database.role_bootstrap import administrator_name, roles_ensure
from apps.datasets.core.errors import StoreMisconfigured
from apps.datasets.core.roles import MONITOR, parse_logins, url_variable
from apps.datasets.management.base import AndenCommand


class Command(AndenCommand):
    """Creates what `migrate` requires."""

    help = "Create the database and its roles, with the passwords of their URLs."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("ensure", help="create or update (idempotent)")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Create or update the roles and print a line for each object."""
        admin = settings.ANDEN.database_admin_url
        if admin is None:
            raise StoreMisconfigured("ANDEN_DATABASE_ADMIN_URL is not set: an administrator creates the roles")
        admin_url = admin.get_secret_value()
        administrator = administrator_name(admin_url)
        urls = settings.ANDEN.database_urls()
        if (monitor := settings.ANDEN.database_monitor_url) is not None:
            urls[MONITOR] = monitor.get_secret_value()
        parts = {role: _parts(role, url) for role, url in urls.items()}
        wanted = parse_logins(parts, administrator=administrator)
        width = max(len(name) for name in (*(login.name for login in wanted), "pg_stat_statements")) + 2
        for done in roles_ensure(admin_url, wanted, timeouts_s=settings.ANDEN.timeouts_s()):
            self.stdout.write(f"{done.name:<{width}}{done.state}")


def _parts(role: str, url: str) -> dict[str, str]:
    """The parts of the URL; libpq's own error message would quote it."""
    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error:
        raise StoreMisconfigured(f"{url_variable(role)} is not a valid connection string") from None
