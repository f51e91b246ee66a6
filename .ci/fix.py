"""Fixes what tools can fix: lint, sorted imports, format, rendered files: make fix.

The steps run in order, because each writes what the next one reads. Exits with 1 if something is left to fix by hand.
"""

import sys
from pathlib import Path
from typing import Final

from steps import BIN, ROOT, Step, run_all, table

STYLE: Final = (
    Step("ruff check --fix", (f"{BIN}/ruff", "check", "--fix")),
    Step("ruff format", (f"{BIN}/ruff", "format")),
)
RENDER: Final = Step("make render", ("make", "--no-print-directory", "render"))


def fix(root: Path, steps: tuple[Step, ...]) -> bool:
    """Run all steps, print their outcomes and the next step; return whether nothing is left."""
    outcomes = run_all(steps, root=root, at_once=1)
    sys.stdout.write(table(outcomes))
    left = [outcome.step.name for outcome in outcomes if not outcome.passed]
    if left:
        print(f"\nNext: fix by hand what {', '.join(left)} reports above, then make check.")
    else:
        print("\nNext: review the diff (git diff), then make check.")
    return not left


def main() -> int:
    """Run the fixes; return 1 if something is left."""
    return 0 if fix(ROOT, (*STYLE, RENDER)) else 1


if __name__ == "__main__":
    sys.exit(main())
