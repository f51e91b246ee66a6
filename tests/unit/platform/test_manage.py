"""`manage.py` ends a command with one line or silently, never with a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_closed_stdout_ends_a_command_silently(unbuffered: str) -> None:
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


def test_an_interrupt_ends_a_command_with_one_line() -> None:
    # A shell's background job ignores SIGINT, and so do the processes that it starts.
    handled = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    interrupt = f"import os, signal; {handled}; os.kill(os.getpid(), signal.SIGINT)"
    ended = subprocess.run(
        [sys.executable, "manage.py", "shell", "-c", interrupt], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (130, "Interrupted.\n")


def test_each_invalid_variable_is_named_on_a_line() -> None:
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
