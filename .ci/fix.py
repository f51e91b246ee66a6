"""Everything that tools can mend: lint, sorted imports, format, rendered files: make fix.

One after the other, for each writes what the next one reads. Exit code 1: something is left to a person.
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
    """Run all steps, tell how each ended and what to do next. Whether nothing is left."""
    outcomes = run_all(steps, root=root, at_once=1)
    sys.stdout.write(table(outcomes))
    left = [outcome.step.name for outcome in outcomes if not outcome.passed]
    if left:
        print(f"\nNext: mend by hand what {', '.join(left)} names above, then make check.")
    else:
        print("\nNext: read the difference (git diff), then make check.")
    return not left


def main() -> int:
    """0 where nothing is left, otherwise 1."""
    return 0 if fix(ROOT, (*STYLE, RENDER)) else 1


if __name__ == "__main__":
    sys.exit(main())
