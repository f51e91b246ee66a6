"""Checks style, types, imports, sizes, migrations and settings: make lint.

The environment must have the variables that manage.py needs. Exits with 1 if a check failed.
"""

import sys
from typing import Final

from steps import BIN, Step, run_all, table

MYPY: Final = Step("mypy", (f"{BIN}/mypy",))
IMPORTS: Final = Step("import contracts", (f"{BIN}/lint-imports", "--no-cache"))
RUFF: Final = Step("ruff check", (f"{BIN}/ruff", "check"))
FORMAT: Final = Step("ruff format", (f"{BIN}/ruff", "format", "--check"))
SIZES: Final = Step("sizes", (sys.executable, ".ci/sizes.py"))
_MANAGE: Final = (sys.executable, "manage.py")
STEPS: Final = (
    MYPY,  # the longest starts first
    IMPORTS,
    # It also tries to read the database's history; the warning that it cannot is irrelevant.
    Step("migrations", (*_MANAGE, "makemigrations", "--check", "--dry-run"), "No migration is missing."),
    Step("settings", (*_MANAGE, "check", "--deploy", "--fail-level", "WARNING")),
    RUFF,
    FORMAT,
    SIZES,
    Step("vale", (sys.executable, ".ci/vale.py")),
)


def main() -> int:
    """Run the steps; return 1 if one failed."""
    outcomes = run_all(STEPS)
    sys.stdout.write(table(outcomes))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
