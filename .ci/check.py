"""Quick checks of your changes since main: make check.

Style, types and imports are checked in the entire repository, because a change can break unchanged code; unit tests
run only for the apps that you touched. Needs neither root nor Java, Go or Terraform. Exits with 1 if a check failed.
"""

import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from changes import NoRepository, changes
from lint import FORMAT, IMPORTS, MYPY, RUFF, SIZES
from steps import ROOT, Step, run_all, table

UNIT: Final = "tests/unit"
OTHERS: Final = {".ci": "ci", "dashboards": "monitoring", "requirements": "docs"}
"""Top-level folders whose unit tests have another name."""
LARGER: Final = ("contract", "integration", "acceptance", "infra")
"""Tests that need servers, Terraform or minutes."""
WIDTH: Final = 100
RENDERED: Final = ("apps/", "platform/", "packing/")
"""Folders with the sources of rendered files."""


def touched(paths: Iterable[str], folders: Iterable[str]) -> list[str]:
    """The folders of unit tests for these paths: those named like a folder of a path.

    Files in the root are covered by the tests in docs.
    """
    parts = [PurePosixPath(path).parts for path in paths]
    names = {part for path in parts for part in path[:-1]} | {OTHERS.get(path[0], "") for path in parts}
    if any(len(path) == 1 for path in parts):
        names.add("docs")
    return sorted(names.intersection(folders))


def unit_folders(root: Path) -> list[str]:
    """The folders in tests/unit that contain tests."""
    return sorted(path.name for path in (root / UNIT).iterdir() if any(path.glob("**/test_*.py")))


def steps(folders: Iterable[str]) -> list[Step]:
    """The steps to run, the longest first."""
    words = [f"{UNIT}/{name}" for name in folders]
    tests = [Step("unit tests", (sys.executable, "-m", "pytest", "-q", *words))] if words else []
    return [*tests, MYPY, IMPORTS, RUFF, FORMAT, SIZES]


def main() -> int:
    """Run the checks; return 1 if one failed."""
    try:
        found = changes(ROOT)
    except NoRepository as error:
        sys.stderr.write(f"make check: {error} Use make lint and make test.\n")
        return 1
    known = unit_folders(ROOT)
    folders = touched(found.paths, known)
    print(f"{len(found.paths)} files differ from {found.base}.\n", flush=True)
    outcomes = run_all(steps(folders), quiet=True)
    sys.stdout.write(table(outcomes))
    others = [name for name in known if name not in folders]
    ran = f"Ran the unit tests of {', '.join(folders)}." if folders else "Ran no unit tests: no app has changed."
    left = f"Left to make test: {', '.join([*others, *LARGER])}. Left to make lint: migrations, settings."
    print("", *textwrap.wrap(ran, WIDTH), *textwrap.wrap(left, WIDTH), sep="\n")
    failed = [outcome.step.name for outcome in outcomes if not outcome.passed]
    if failed:
        print(f"Next: run make fix, then fix what {', '.join(failed)} reports above.")
        return 1
    render = "make render if rendered files depend on your changes, " if any(map(_is_source, found.paths)) else ""
    print(f"Next: {render}make test, then commit.")
    return 0


def _is_source(path: str) -> bool:
    return path.startswith(RENDERED)


if __name__ == "__main__":
    sys.exit(main())
