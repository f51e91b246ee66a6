"""`manage.py clients create|list|revoke`: API clients and their keys."""

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
    """Restricts the preceding --grant to columns."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        grants: list[GrantRequest] = getattr(namespace, "grant", None) or []
        if not grants:
            parser.error("--columns restricts the --grant before it: pass --grant first")
        last = grants[-1]
        columns = tuple(dict.fromkeys(str(values).split(",")))
        restricted = GrantRequest(last.dataset, last.may_read, last.may_write, columns)
        namespace.grant = [*grants[:-1], restricted]


def _grant(text: str) -> GrantRequest:
    dataset, _, words = text.rpartition(":")
    actions = set(words.split(","))
    if not dataset or not actions <= ACTIONS:
        raise argparse.ArgumentTypeError(f"{text!r} is not DATASET:read, DATASET:write or DATASET:read,write")
    return GrantRequest(dataset, may_read="read" in actions, may_write="write" in actions)


class Command(AndenCommand):
    """Creates, lists and revokes API clients."""

    help = "Create, list and revoke API clients."
    expected_errors = (ClientInvalid,)

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        create = commands.add_parser("create", help="create a client and print its key once")
        create.add_argument("name")
        create.add_argument(
            "--grant",
            action="append",
            type=_grant,
            required=True,
            metavar="DATASET:ACTIONS",
            help="read, write or both, comma-separated; repeatable",
        )
        create.add_argument(
            "--columns",
            action=_Columns,
            metavar="A,B",
            help="fields of the preceding --grant; default: all that the contract does not restrict",
        )
        create.add_argument(
            "--key-file", type=Path, metavar="PATH", help="write the key to a new file that only its owner can read"
        )
        commands.add_parser("list", help="list all clients and their grants")
        revoke = commands.add_parser("revoke", help="revoke a client and all of its keys")
        revoke.add_argument("name")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        path: Path | None = options["key_file"]
        if path is not None and path.exists():
            raise CommandError(f"{path} already exists: choose another --key-file")
        with transaction.atomic():  # roll back a key that could not be saved
            client, key = client_create(options["name"], options["grant"])
            if path is not None:
                write_key_file(path, str(key))
        if path is not None:
            self.stdout.write(f"Created client {client.name!r}. Its key is in {path}.")
            return
        self.stdout.write(f"Created client {client.name!r}. Copy the key now; it will not be shown again:\n\n{key}\n")

    def _list(self, _options: dict[str, Any]) -> None:
        clients = list(Client.objects.prefetch_related("grants__dataset", "keys"))
        if not clients:
            self.stdout.write("No clients. Create one: manage.py clients create NAME --grant flights:read")
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
        self.stdout.write(f"Revoked client {client.name!r}. Its keys are refused from now on.")


def _grant_text(grant: Any) -> str:
    return f"{grant}" + (f" [{','.join(grant.columns)}]" if grant.columns is not None else "")
