"""Debian's PostgreSQL with pg_stat_statements, and Debian's postgres_exporter with the monitoring role."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg

from embedded.daemon import Daemon
from embedded.ports import LOOPBACK, free_port
from embedded.unprivileged import UnprivilegedLaunch, unprivileged_launch
from tests.acceptance.monitoring.prometheus_server import process, wait_for
from tests.requirement import skip_or_fail

VERSIONS: Final = Path("/usr/lib/postgresql")
QUERIES: Final = Path(__file__).with_name("statements_queries.yaml")
UP_WITHIN_S: Final = 60.0
MONITOR: Final = "anden_monitor"


@contextmanager
def watched_postgres(exporter: str, folder: Path) -> Iterator[tuple[str, str]]:
    """URL of a running server with the database `anden`, and host:port of its exporter."""
    with (
        _server(folder) as url,
        _exporter(exporter, url.replace("postgres@", f"{MONITOR}@"), folder) as exporter_target,
    ):
        yield url, exporter_target


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    homes = sorted(VERSIONS.glob("*/bin/initdb"))
    if not homes:
        skip_or_fail("Debian's PostgreSQL is missing: install the package postgresql")
    home = homes[-1].parents[1]
    ground = unprivileged_launch(home, folder / "data", libraries=home / "lib")
    daemon = Daemon("PostgreSQL", folder / "daemon", stop_signal=signal.SIGINT)
    daemon.claim()
    _make_cluster(ground)
    port = free_port()
    options = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": "",
        "shared_preload_libraries": "pg_stat_statements",
        "track_io_timing": "on",
        "fsync": "off",
    }
    words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    url = f"postgresql://postgres@{LOOPBACK}:{port}/postgres"
    try:
        daemon.spawn([ground.programs / "bin/postgres", "-D", ground.data, *words], become=ground.become)
        daemon.wait_until(lambda: _answers(url), timeout_s=UP_WITHIN_S)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE DATABASE anden")
            connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute(f"CREATE ROLE {MONITOR} LOGIN IN ROLE pg_monitor")
        yield url
    finally:
        daemon.stop()


def _make_cluster(ground: UnprivilegedLaunch) -> None:
    """Create a cluster with trust authentication on the loopback interface, empty and short-lived."""
    ground.data.mkdir(mode=0o700)
    ground.own(ground.data)
    command: list[str | Path] = [
        *ground.become,
        ground.programs / "bin/initdb",
        "--pgdata",
        ground.data,
        "--username",
        "postgres",
    ]
    options = ["--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--no-sync"]
    subprocess.run([*command, *options], capture_output=True, check=True, cwd=ground.data)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def _exporter(program: str, url: str, folder: Path) -> Iterator[str]:
    target = f"{LOOPBACK}:{free_port()}"
    command = [program, f"--web.listen-address={target}", f"--extend.query-path={QUERIES}"]
    with process(command, folder / "exporter.log", {"DATA_SOURCE_NAME": f"{url}?sslmode=disable"}):
        wait_for(f"http://{target}/metrics", folder / "exporter.log")
        yield target


def work(url: str, seconds: float) -> None:
    """Read and write for this long, slowly enough to leave CPU for others."""
    deadline = time.monotonic() + seconds
    with psycopg.connect(url, dbname="anden", autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS worked (n integer)")
        while time.monotonic() < deadline:
            connection.execute("INSERT INTO worked SELECT generate_series(1, 1000)")
            connection.execute("SELECT count(*) FROM worked")
            time.sleep(0.5)
