"""Fails if a Python file has more than 400 lines or a function more than 50: make lint."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FILE_LINES: Final = 400
FUNCTION_LINES: Final = 50
_ROOT: Final = Path(__file__).resolve().parent.parent


def python_files() -> list[Path]:
    """Every tracked or untracked, not ignored Python file, without migrations."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.py"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [_ROOT / line for line in sorted(set(listed.stdout.splitlines()))]
    return [path for path in paths if path.exists() and not path.match("migrations/0*.py")]


def too_large(path: Path) -> Iterator[str]:
    """Yield a line for the file and for each function above its limit."""
    text = path.read_text()
    where = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) else path
    lines = len(text.splitlines())
    if lines > FILE_LINES:
        yield f"{where}: {lines} lines, the limit is {FILE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{where}:{node.lineno}: {node.name} has {length} lines, the limit is {FUNCTION_LINES}"


def main() -> int:
    """Print what is too large; return 1 if something is."""
    files = python_files()
    complaints = [line for path in files for line in too_large(path)]
    sys.stdout.writelines(f"{line}\n" for line in complaints or [f"Sizes: {len(files)} files within limits."])
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
