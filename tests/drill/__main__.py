"""`python -m tests.drill --minutes 10`: run the drill, print the timeline and the verdict; exit with 1 on a fault."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.drill.drill import HistoryMissing, Plan, drill


def main(arguments: list[str]) -> int:
    """Run one drill; return 1 if it failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.drill", description="Run two releases side by side.")
    parser.add_argument("--minutes", type=float, default=10, help="minutes under load (default 10)")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="anden-drill-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        try:
            with drill(folder, Plan(options.minutes * 60)) as one:
                print(one.run())  # noqa: T201 - the output of make drill
                return 1 if one.journal.faults else 0
        except HistoryMissing as exc:
            print(exc, file=sys.stderr)  # noqa: T201
            return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
