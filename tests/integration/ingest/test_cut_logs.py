"""Run cut_logs.py in a separate process.

Its cases restart the broker on a truncated log. Occasionally librdkafka then aborts its process, which would take a
pytest-xdist worker down with all of its remaining tests.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).with_name("cut_logs.py")
ATTEMPTS = 3
"""An abort is retried; a failed case is not."""

pytestmark = pytest.mark.timeout(900)


def test_a_truncated_log_is_handled() -> None:
    inherited = ("PYTEST_", "ANDEN_DATABASE_")  # the child has its own worker and PostgreSQL
    environment = {name: value for name, value in os.environ.items() if not name.startswith(inherited)}
    for _ in range(ATTEMPTS):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", CASES],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != -signal.SIGABRT:
            break
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
