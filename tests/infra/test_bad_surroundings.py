"""Commands in bad surroundings: each ends with one line that says what is wrong and where, never with a traceback."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOWHERE = "127.0.0.1:1"
ROLES = ("APP", "OWNER", "INGEST", "READER", "WRITER", "ANALYST")
URLS = {f"ANDEN_DATABASE_{role}_URL": f"postgresql://anden_{role.lower()}:x@{NOWHERE}/anden" for role in ROLES}
APP_ALONE = {name: url for name, url in URLS.items() if name == "ANDEN_DATABASE_APP_URL"}


def said(words: str, urls: Mapping[str, str]) -> tuple[int, list[str]]:
    """The exit code and the lines of the command, with these databases and a broker that is not there."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ANDEN_")}
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", *words.split()],
        env={
            **inherited,
            **urls,
            "ANDEN_SECRET_KEY": "tests-only-" + "0123456789abcdef" * 4,
            "ANDEN_KAFKA_BOOTSTRAP_SERVERS": NOWHERE,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        },
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    "words",
    [
        *("migrate", "datasets list", "datasets apply contracts", "datasets drop flights", "topics ensure"),
        *("ingest --until-idle", "lag --once", "quarantine list", "clients list", "steward create x"),
        *("probe install", "demo checksum", "demo produce"),
    ],
)
def test_without_servers_a_command_says_in_one_line_which_does_not_answer(words: str) -> None:
    code, lines = said(words, URLS)
    assert code == 1
    assert len(lines) == 1, lines
    assert NOWHERE in lines[0]


@pytest.mark.parametrize(
    ("words", "variable"),
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
def test_without_its_role_a_command_names_the_variable(words: str, variable: str) -> None:
    code, lines = said(words, APP_ALONE)
    assert code == 1
    assert len(lines) == 1, lines
    assert f"{variable} is not set" in lines[0]
