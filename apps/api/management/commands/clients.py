"""`manage.py clients create|list|revoke`: third parties and their keys."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from apps.api.clients.key_files import write_key_file
from apps.api.clients.services import GrantRequest, client_create, client_revoke
from apps.api.errors import ClientInvalid
from apps.api.models import Client
from apps.datasets.management.base import AndenCommand

ACTIONS = {"read", "write"}


class _Columns(argparse.Action):
    """Narrows the --grant that stands before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        grants: list[GrantRequest] = getattr(namespace, "grant", None) or []
        if not grants:
            parser.error("--columns narrows the --grant before it: name that first")
        last = grants[-1]
        columns = tuple(dict.fromkeys(str(values).split(",")))
        narrowed = GrantRequest(last.dataset, last.may_read, last.may_write, columns)
        namespace.grant = [*grants[:-1], narrowed]


def _grant(text: str) -> GrantRequest:
    dataset, _, words = text.rpartition(":")
    actions = set(words.split(","))
    if not dataset or not actions <= ACTIONS:
        raise argparse.ArgumentTypeError(f"{text!r} is not DATASET:read, DATASET:write or DATASET:read,write")
    return GrantRequest(dataset, may_read="read" in actions, may_write="write" in actions)


class Command(AndenCommand):
    """Makes, lists and revokes clients of the API."""

    help = "Make, list and revoke clients of the API."
    expected_errors = (ClientInvalid,)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the three commands."""
        commands = parser.add_subparsers(dest="action", required=True)
        create = commands.add_parser("create", help="make a client and print its key, once")
        create.add_argument("name")
        create.add_argument(
            "--grant",
            action="append",
            type=_grant,
            required=True,
            metavar="DATASET:ACTIONS",
            help="read, write or both, comma-separated; may be given several times",
        )
        create.add_argument(
            "--columns",
            action=_Columns,
            metavar="A,B",
            help="the fields that the grant before it shows; by default all that the contract does not restrict",
        )
        create.add_argument(
            "--key-file", type=Path, metavar="PATH", help="keep the key in a new file for its owner alone"
        )
        commands.add_parser("list", help="all clients with their grants")
        revoke = commands.add_parser("revoke", help="end all keys of a client at once")
        revoke.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the chosen command."""
        getattr(self, f"_{options['action']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        path: Path | None = options["key_file"]
        if path is not None and path.exists():
            raise CommandError(f"{path} exists: choose another --key-file")
        with transaction.atomic():  # a key that cannot be kept must not stay valid
            client, key = client_create(options["name"], options["grant"])
            if path is not None:
                write_key_file(path, str(key))
        if path is not None:
            self.stdout.write(f"The client {client.name!r} is made, its key is in {path}.")
            return
        self.stdout.write(f"The client {client.name!r} is made. Its key, shown only now:\n\n{key}\n")

    def _list(self, _options: dict[str, Any]) -> None:
        clients = list(Client.objects.prefetch_related("grants__dataset", "keys"))
        if not clients:
            self.stdout.write("No clients yet: clients create NAME --grant flights:read")
            return
        width = max(len(client.name) for client in clients)
        for client in clients:
            state = f"revoked {client.revoked_at:%Y-%m-%d}" if client.revoked_at else "active"
            grants = "; ".join(_grant_text(grant) for grant in client.grants.all()) or "no grants"
            used = max((key.last_used_on for key in client.keys.all() if key.last_used_on), default=None)
            seen = f"last used {used}" if used else "never used"
            self.stdout.write(f"{client.name:<{width}}  {state:<18}  {seen:<20}  {grants}")

    def _revoke(self, options: dict[str, Any]) -> None:
        client = client_revoke(options["name"])
        self.stdout.write(f"The client {client.name!r} is revoked: its keys are refused from now on.")


def _grant_text(grant: Any) -> str:
    return f"{grant}" + (f" [{','.join(grant.columns)}]" if grant.columns is not None else "")
