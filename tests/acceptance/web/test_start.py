"""The web server does not start with settings that would fail later, and names the setting."""

import os
import subprocess
import sys

import pytest

from tests.acceptance.api.conftest import ROOT

pytestmark = pytest.mark.acceptance

GUNICORN = (sys.executable, "-m", "gunicorn", "--config", str(ROOT / "platform/web/gunicorn.py"))
PYTHONPATH = f"{ROOT}:{ROOT / 'platform'}"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ANDEN_WEB_THREADS": "1"}, "ANDEN_WEB_THREADS: Input should be greater than or equal to 2"),
        ({"ANDEN_API_MAX_EXPORTS": "4"}, "ANDEN_API_MAX_EXPORTS: must be below ANDEN_WEB_THREADS, which is 4"),
        ({"ANDEN_WEB_CONNECTIONS": "100"}, "ANDEN_WEB_CONNECTIONS: needs 350 open files, but the hard limit is 300"),
    ],
)
def test_an_invalid_setting_prevents_the_start(django_db_setup: None, changed: dict[str, str], message: str) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": PYTHONPATH}
    limits = "ulimit -n 300; " if "ANDEN_WEB_CONNECTIONS" in changed else ""
    command = ["sh", "-c", f'{limits}exec "$@"', "sh", *GUNICORN, "--workers", "1", "--bind", "127.0.0.1:0"]
    done = subprocess.run(
        command, env={**environment, **changed}, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in {1, 4}
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr
