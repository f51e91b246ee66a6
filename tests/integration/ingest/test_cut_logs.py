"""The cases of cut_logs.py, in a process of their own.

They restart the broker over a log that was cut. Now and then librdkafka aborts its whole process then, in a thread of
its own, which would take a worker of pytest-xdist along with all that it still has to run.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).with_name("cut_logs.py")
ATTEMPTS = 3
"""An abort is tried again; a case that fails is not."""

pytestmark = pytest.mark.timeout(900)


def test_what_a_cut_log_leads_to() -> None:
    ours = ("PYTEST_", "ANDEN_DATABASE_")  # a worker of its own, with a PostgreSQL of its own
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
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
