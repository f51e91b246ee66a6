"""Programs that tests start, wherever they are on this machine."""

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.requirement import skip_or_fail

PACKAGES = {"promtool": "prometheus", "amtool": "prometheus-alertmanager", "node": "nodejs"}
"""The package that brings each program, where it has another name."""
GO_TOOLS = {"actionlint", "kube-score"}
"""Programs that `make infra` builds, where Go is."""
OURS = (Path(sys.executable).parent, Path(__file__).parents[1] / ".venv-infra/bin")
"""Where programs of a pinned version are: before any that happens to be on this machine's PATH."""


@pytest.fixture(scope="session")
def require() -> Callable[[str], str]:
    """A function that gives a program's path, or skips the test and says how to get it."""

    def find(program: str) -> str:
        path = shutil.which(program, path=os.pathsep.join([*map(str, OURS), os.environ.get("PATH", "")]))
        if path is None:
            package = f"install the package {PACKAGES.get(program, program)}"
            skip_or_fail(
                f"{program} is missing: {'install Go, and run make infra' if program in GO_TOOLS else package}"
            )
        return path

    return find
