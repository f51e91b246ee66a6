"""Finds the external programs that tests run."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.requirement import skip_or_fail

PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager", "node": "nodejs"}
"""Packages whose name differs from the program's."""
GO_TOOLS = {"actionlint", "kube-score"}
"""Programs that `make infra` builds if Go is installed."""
PINNED = (Path(sys.executable).parent, Path(__file__).parents[1] / ".venv-infra/bin")
"""Folders with pinned versions, searched before PATH."""


@pytest.fixture(scope="session")
def require() -> Callable[[str], str]:
    """A function that returns a program's path, or skips the test with a hint how to install it."""

    def find(program: str) -> str:
        path = shutil.which(program, path=os.pathsep.join([*map(str, PINNED), os.environ.get("PATH", "")]))
        if path is None:
            package = f"install the package {PACKAGES.get(program, program)}"
            skip_or_fail(
                f"{program} is missing: {'install Go, and run make infra' if program in GO_TOOLS else package}"
            )
        return path

    return find
