"""Vale's findings in documents, docstrings and comments: one step of make lint.

Vale is built by Go (requirements/go-tools.txt). Where it is missing, tests/unit/docs/test_words.py still applies the
same word list. Exit code 1: Vale found something.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

from steps import ROOT

VALE: Final = ROOT / ".venv-infra/bin/vale"
SCANNED: Final = (
    "*.md",
    "*.html",
    "apps/*.py",
    "platform/*.py",
    "embedded/*.py",
    "packing/*.py",
    "bench/*.py",
    ".ci/*.py",
)


def main() -> int:
    """Vale's exit code; 0 where Vale is missing."""
    if not VALE.exists():
        print("Vale is not installed, because Go is not: make test applies the same word list.")
        return 0
    command = ("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--")
    listed = subprocess.run([*command, *SCANNED], cwd=ROOT, capture_output=True, text=True, check=True)
    files = [name for name in listed.stdout.split("\0") if name and Path(ROOT, name).is_file()]
    ended = subprocess.run([VALE, "--output=line", *files], cwd=ROOT, check=False)
    if ended.returncode == 0:
        print(f"Vale: {len(files)} files without a finding.")
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main())
