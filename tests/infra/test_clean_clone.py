"""Commands that need the code alone run where nothing is set up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def manage(*words: str) -> tuple[int, str]:
    """The exit code and the output of the command without any variable of Andén's."""
    bare = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANDEN_", "DJANGO_", "PROMETHEUS_MULTIPROC"))
    }
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", *words],
        env=bare,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("words", ["dashboards check", "render --check"])
def test_what_compares_files_with_the_code_is_silent_without_an_environment(words: str) -> None:
    assert manage(*words.split()) == (0, "")


@pytest.mark.parametrize("words", ["dashboards plan", "dashboards rollback --list", "migrate"])
def test_what_needs_the_station_names_the_variables(words: str) -> None:
    code, told = manage(*words.split())
    assert code == 1
    assert "ANDEN_DATABASE_APP_URL: Field required" in told
    assert "ANDEN_SECRET_KEY: Field required" in told
