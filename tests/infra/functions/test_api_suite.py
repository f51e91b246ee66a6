"""The tests of the API, once more, each request an event of an API Gateway."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.property(14)
@pytest.mark.timeout(600)
def test_the_apis_tests_pass_through_gateway_events(evidence: Callable[[str], None]) -> None:
    """`pytest tests/integration/api --through gateway`; without the option the same tests go by WSGI."""
    command = [sys.executable, "-m", "pytest", "tests/integration/api", "--through", "gateway", "-q"]
    done = subprocess.run([*command, "-p", "no:cacheprovider"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    events = re.search(r"(\d+) events of the gateway", done.stdout)
    assert passed, done.stdout
    assert events, done.stdout
    assert "skipped" not in done.stdout
    assert int(events[1]) > int(passed[1]) > 100
    evidence(f"{passed[1]} tests of the API pass through the gateway as by WSGI: {int(events[1]):,} events")
