"""`secrets ensure|rotate`: generates the installation's secrets and writes them to AWS Secrets Manager."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.core.management.base import CommandError, CommandParser

from apps.datasets.adapters.secrets_manager import SecretRefused, secret_ensure, secret_rotate, secrets_client
from apps.datasets.core.installation_secrets import FIRST, InstallationSecret, installation_secrets
from apps.datasets.management.base import AndenCommand


class Command(AndenCommand):
    """Runs before everything else: needs neither Django's key nor a database."""

    help = "Generate the installation's passwords and keys, and write missing ones to AWS Secrets Manager."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        ensure = actions.add_parser("ensure", help="write missing values (idempotent, safe to run concurrently)")
        rotate = actions.add_parser("rotate", help="write new values, once per order")
        rotate.add_argument("--order", required=True, help="name of this rotation; repeating it changes nothing")
        for each in (ensure, rotate):
            each.add_argument("station", help="name of the installation, the first part of its secrets' names")
            each.add_argument("--role", action="append", default=[], dest="roles", help="a database role; repeatable")
            each.add_argument(
                "--key", action="append", default=[], dest="keys", help="a key such as django/secret-key; repeatable"
            )

    def handle(self, *args: Any, action: str, station: str, roles: list[str], keys: list[str], **options: Any) -> None:
        """Write each secret and print a line for it; a rejected one does not stop the others."""
        chosen = installation_secrets(station, roles=roles, keys=keys)
        if not chosen:
            raise CommandError("nothing to write: name secrets with --role or --key")
        if action == "rotate" and options["order"] == FIRST:
            raise CommandError(f"--order {FIRST} is reserved for first values: choose another name")
        client = secrets_client()
        write = secret_ensure if action == "ensure" else partial(secret_rotate, order=options["order"])
        rejected = self._write_all(chosen, partial(write, client))
        if rejected:
            raise CommandError("\n".join([*map(str, rejected), "The others are written: run the command again."]))

    def _write_all(
        self, chosen: list[InstallationSecret], write: Callable[[InstallationSecret], str]
    ) -> list[SecretRefused]:
        width = max(len(secret.name) for secret in chosen) + 2
        rejected = []
        for secret in chosen:
            try:
                self.stdout.write(f"{secret.name:<{width}}{write(secret)}")
            except SecretRefused as error:
                rejected.append(error)
        return rejected
