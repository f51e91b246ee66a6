"""`roles ensure`: the database, its roles and their passwords, as the URLs say."""

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
    """Makes what `migrate` needs to stand beforehand."""

    help = "Make the database and its roles, and set the passwords of their URLs."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the one action."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        actions.add_parser("ensure", help="make what is missing, set what differs; may be repeated")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        """Make the roles and print a line for each thing that stands."""
        admin = settings.ANDEN.database_admin_url
        if admin is None:
            raise StoreMisconfigured("ANDEN_DATABASE_ADMIN_URL is not set: an administrator makes the roles")
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
    """The parts of the URL; what libpq says of one that it cannot read would quote it."""
    try:
        return {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error:
        raise StoreMisconfigured(f"{url_variable(role)} cannot be read by libpq") from None
