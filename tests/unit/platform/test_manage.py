"""`manage.py`: what ends a command is a line or nothing, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_seen_enough_ends_a_command_in_silence(unbuffered: str) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    read, write = os.pipe()
    os.close(read)
    try:
        ended = subprocess.run(
            [sys.executable, "manage.py", "help"],
            cwd=ROOT,
            env=environment,
            stdout=write,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(write)
    assert (ended.returncode, ended.stderr.decode()) == (1, "")


def test_an_interrupt_ends_a_command_in_one_line() -> None:
    interrupt = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    ended = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", interrupt], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (130, "Interrupted.\n")


def test_a_wrong_environment_is_named_in_a_line_each() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ANDEN_")}
    environment["DJANGO_SETTINGS_MODULE"] = "config.settings"
    ended = subprocess.run(
        [sys.executable, "manage.py", "fleet", "list"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "Invalid environment (for make run's, source it: `. .anden/environment`):",
        "  ANDEN_DATABASE_APP_URL: Field required",
        "  ANDEN_SECRET_KEY: Field required",
    ]
