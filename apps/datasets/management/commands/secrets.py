"""`secrets ensure|rotate`: values of the station's secrets, drawn here and written into Secrets Manager."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.datasets.adapters.secrets_manager import SecretRefused, secret_ensure, secret_rotate, secrets_client
from apps.datasets.core.installation_secrets import FIRST, InstallationSecret, installation_secrets
from apps.datasets.management.base import AndenCommand


class Command(AndenCommand):
    """Runs before everything else: it needs neither Django's key nor a database."""

    help = "Draw the station's passwords and keys and write them into AWS Secrets Manager, where they are missing."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the two actions."""
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        ensure = actions.add_parser("ensure", help="write what is missing; may be repeated, and by two at once")
        rotate = actions.add_parser("rotate", help="write new values, once for each order")
        rotate.add_argument("--order", required=True, help="name of this rotation; repeated, it changes nothing more")
        for each in (ensure, rotate):
            each.add_argument("station", help="name of the station, the first part of its secrets' names")
            each.add_argument("--role", action="append", default=[], dest="roles", help="a database role; repeatable")
            each.add_argument("--key", action="append", default=[], dest="keys", help="a key, as django/secret-key")

    def handle(self, *args: Any, action: str, station: str, roles: list[str], keys: list[str], **options: Any) -> None:
        """Write each and print a line for it; one that is refused stops no other."""
        chosen = installation_secrets(station, roles=roles, keys=keys)
        if not chosen:
            raise CommandError("nothing to write: name secrets by --role or --key")
        if action == "rotate" and options["order"] == FIRST:
            raise CommandError(f"--order {FIRST} is that of first values: give this rotation a name of its own")
        client = secrets_client()
        write = secret_ensure if action == "ensure" else partial(secret_rotate, order=options["order"])
        refused = self._write_all(chosen, partial(write, client))
        if refused:
            raise CommandError("\n".join([*map(str, refused), "The others are written: run the command again."]))

    def _write_all(
        self, chosen: list[InstallationSecret], write: Callable[[InstallationSecret], str]
    ) -> list[SecretRefused]:
        width = max(len(secret.name) for secret in chosen) + 2
        refused = []
        for secret in chosen:
            try:
                self.stdout.write(f"{secret.name:<{width}}{write(secret)}")
            except SecretRefused as error:
                refused.append(error)
        return refused
