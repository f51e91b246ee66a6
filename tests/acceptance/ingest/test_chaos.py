"""Sixty faults, several at once, while records arrive: each record is stored exactly once."""

import secrets
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

import pytest

from embedded.errors import NetworkNeeded, NotInstalled
from tests.chaos.run import ChaosRun, chaos
from tests.requirement import skip_or_fail

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(900)]

FAULTS = 60


def test_sixty_faults_lose_and_double_nothing(record_figure: Callable[[str], None]) -> None:
    folder = Path(mkdtemp(prefix="anden-chaos-"))
    # So that an unprivileged user can reach the data if root has to run PostgreSQL as one.
    folder.chmod(0o711)
    run = ChaosRun(faults=FAULTS, seed=secrets.randbelow(10**6), together=5, stretch=0.4)
    try:
        result = chaos(run, folder, lambda line: print(line, file=sys.stderr))  # noqa: T201 - shown on failure
    except (NotInstalled, NetworkNeeded) as exc:
        skip_or_fail(str(exc))
    print(result.text, file=sys.stderr)  # noqa: T201
    assert not result.failed, f"evidence in {folder}"
    assert result.caused - len(result.unproven) > FAULTS * 3 // 4
    record_figure(f"chaos: {result.summary}")
    shutil.rmtree(folder, ignore_errors=True)
