"""Commands that need only the code run without any setup."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def manage(*arguments: str) -> tuple[int, str]:
    """Exit code and output of the command without any of Andén's variables."""
    bare = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ANDEN_", "DJANGO_", "PROMETHEUS_MULTIPROC"))
    }
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", *arguments],
        env=bare,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("arguments", ["dashboards check", "render --check"])
def test_checks_of_rendered_files_need_no_environment(arguments: str) -> None:
    assert manage(*arguments.split()) == (0, "")


@pytest.mark.parametrize("arguments", ["dashboards plan", "dashboards rollback --list", "migrate"])
def test_commands_that_need_settings_name_the_missing_variables(arguments: str) -> None:
    code, output = manage(*arguments.split())
    assert code == 1
    assert "ANDEN_DATABASE_APP_URL: Field required" in output
    assert "ANDEN_SECRET_KEY: Field required" in output
