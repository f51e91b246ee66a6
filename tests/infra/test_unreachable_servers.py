"""Commands without servers or roles fail with one line that names the cause, never with a traceback."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.infra.fork_server import ForkServer, fork_server

NOWHERE = "127.0.0.1:1"
ROLES = ("APP", "OWNER", "INGEST", "READER", "WRITER", "ANALYST")
URLS = {f"ANDEN_DATABASE_{role}_URL": f"postgresql://anden_{role.lower()}:x@{NOWHERE}/anden" for role in ROLES}
APP_ALONE = {name: url for name, url in URLS.items() if name == "ANDEN_DATABASE_APP_URL"}


@contextmanager
def commands(urls: Mapping[str, str]) -> Iterator[ForkServer]:
    """`manage.py` with these database URLs and an unreachable broker."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANDEN_")}
    settings = {"ANDEN_SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4, "ANDEN_KAFKA_BOOTSTRAP_SERVERS": NOWHERE}
    with fork_server({**inherited, **urls, **settings}) as started:
        yield started


@pytest.fixture(scope="module")
def without_servers() -> Iterator[ForkServer]:
    with commands(URLS) as started:
        yield started


@pytest.fixture(scope="module")
def app_alone() -> Iterator[ForkServer]:
    with commands(APP_ALONE) as started:
        yield started


@pytest.mark.parametrize(
    "arguments",
    [
        *("migrate", "datasets list", "datasets apply contracts", "datasets drop flights", "topics ensure"),
        *("ingest --until-idle", "lag --once", "quarantine list", "clients list", "steward create x"),
        *("probe install", "demo checksum", "demo produce"),
    ],
)
def test_a_command_names_the_unreachable_server_in_one_line(without_servers: ForkServer, arguments: str) -> None:
    code, output = without_servers.manage(*arguments.split())
    lines = output.splitlines()
    assert code == 1
    assert len(lines) == 1, lines
    assert NOWHERE in lines[0]


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [
        ("migrate", "ANDEN_DATABASE_OWNER_URL"),
        ("datasets apply contracts", "ANDEN_DATABASE_OWNER_URL"),
        ("topics ensure", "ANDEN_DATABASE_INGEST_URL"),
        ("ingest", "ANDEN_DATABASE_INGEST_URL"),
        ("lag", "ANDEN_DATABASE_INGEST_URL"),
        ("quarantine list", "ANDEN_DATABASE_INGEST_URL"),
        ("demo checksum", "ANDEN_DATABASE_READER_URL"),
    ],
)
def test_a_command_without_its_role_names_the_variable(app_alone: ForkServer, arguments: str, variable: str) -> None:
    code, output = app_alone.manage(*arguments.split())
    lines = output.splitlines()
    assert code == 1
    assert len(lines) == 1, lines
    assert f"{variable} is not set" in lines[0]
