"""An administrator without superuser rights, as on RDS, and six URLs of roles that do not exist yet."""

import io
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from psycopg import sql

from apps.telemetry.environment import load
from config.conf import PlatformSettings
from embedded.postgres import EmbeddedPostgres

ROOT = Path(__file__).parents[3]
ROLES = ("owner", "app", "ingest", "reader", "writer", "analyst")


@dataclass(slots=True)
class Place:
    """A database to create: its administrator, its roles' names, and their passwords."""

    server: EmbeddedPostgres
    name: str = field(default_factory=lambda: f"s{secrets.token_hex(4)}")
    passwords: dict[str, str] = field(
        default_factory=lambda: {role: f"{role}-{secrets.token_hex(8)}" for role in ROLES}
    )
    changes: dict[str, str] = field(default_factory=dict)

    @property
    def admin(self) -> str:
        """The administrator's name."""
        return f"{self.name}_admin"

    def url(self, role: str) -> str:
        """The URL of one of the roles."""
        user, password = f"{self.name}_{role}", self.passwords[role]
        return f"postgresql://{user}:{password}@127.0.0.1:{self.server.port}/{self.name}"

    def environment(self) -> dict[str, str]:
        """The environment of the container `bootstrap`."""
        urls = {f"ANDEN_DATABASE_{role.upper()}_URL": self.url(role) for role in ROLES}
        admin = f"postgresql://{self.admin}:administrator@127.0.0.1:{self.server.port}/postgres"
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ANDEN_SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
            "ANDEN_DATABASE_ADMIN_URL": admin,
            **urls,
            **self.changes,
        }

    def ensure(self) -> tuple[int, str]:
        """The result of `run("bootstrap")` without a separate process: at a tenth of the time."""
        out = io.StringIO()
        with mock.patch.dict(os.environ, self.environment()):
            given = load(PlatformSettings)
        try:
            with override_settings(ANDEN=given):
                call_command("roles", "ensure", stdout=out)
        except CommandError as error:
            return 1, f"{out.getvalue()}CommandError: {error}\n"
        return 0, out.getvalue()

    def run(self, *words: str) -> tuple[int, str]:
        """Exit code and output of an entry point's process."""
        done = subprocess.run(
            [ROOT / "platform/entrypoint", *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr

    def ask(self, query: str, *values: Any) -> list[Any]:
        """The rows of a superuser's query."""
        with psycopg.connect(self.server.admin_url, autocommit=True) as connection:
            cursor = connection.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def roles(self) -> list[str]:
        """The names of the existing roles: the six, and an exporter's if requested."""
        names = [f"{self.name}_{role}" for role in (*ROLES, "monitor")]
        return [row[0] for row in self.ask("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) ORDER BY 1", names)]


@pytest.fixture
def place(postgres_server: EmbeddedPostgres) -> Iterator[Place]:
    """A server with an administrator who may create roles and databases, and nothing else."""
    place = Place(postgres_server)
    admin = sql.Identifier(place.admin).as_string()
    place.ask(f"CREATE ROLE {admin} LOGIN CREATEROLE CREATEDB PASSWORD 'administrator'")
    # As an auditor would set it: whatever is sent in plain text ends up in the server's log.
    place.ask(f"ALTER ROLE {admin} SET log_statement = 'all'")
    yield place
    place.ask(f"DROP DATABASE IF EXISTS {place.name} WITH (FORCE)")
    for name in (*place.roles(), place.admin):
        place.ask(f"DROP OWNED BY {name} CASCADE")
        place.ask(f"DROP ROLE {name}")
