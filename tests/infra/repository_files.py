"""The project's files: those that Git tracks or would add."""

import subprocess
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def tracked(*patterns: str) -> list[Path]:
    """Files that match the Git pathspecs (default: all), sorted by name, without links to directories.

    In a copy without a repository: all files that .gitignore does not exclude.
    """
    with tempfile.TemporaryDirectory() as empty:
        location = [f"--git-dir={ROOT / '.git'}"]
        if not (ROOT / ".git").exists():
            subprocess.run(["git", "init", "--quiet", "--bare", empty], check=True)
            location = [f"--git-dir={empty}"]
        arguments = ("-z", "--cached", "--others", "--exclude-standard", "--", *patterns)
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", *location, f"--work-tree={ROOT}", "ls-files", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    files = [ROOT / name for name in sorted(set(listed.stdout.split("\0"))) if name]
    return [path for path in files if path.is_file()]


def texts(*patterns: str) -> dict[str, str]:
    """Contents of the text files, by path; like Git, it treats a file with a NUL byte as binary."""
    contents = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in tracked(*patterns)}
    return {name: content.decode() for name, content in contents.items() if b"\0" not in content[:8000]}
