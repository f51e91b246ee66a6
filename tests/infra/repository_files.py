"""The project's files: those that Git knows or would take."""

import subprocess
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]


def tracked(*patterns: str) -> list[Path]:
    """Every file, or those that match one of Git's patterns, in the order of their names; no links to folders.

    In a copy without a repository these are the files that no rule of .gitignore leaves out.
    """
    with tempfile.TemporaryDirectory() as empty:
        place = [f"--git-dir={ROOT / '.git'}"]
        if not (ROOT / ".git").exists():
            subprocess.run(["git", "init", "--quiet", "--bare", empty], check=True)
            place = [f"--git-dir={empty}"]
        words = ("-z", "--cached", "--others", "--exclude-standard", "--", *patterns)
        listed = subprocess.run(
            ["git", "-c", "safe.directory=*", *place, f"--work-tree={ROOT}", "ls-files", *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    files = [ROOT / name for name in sorted(set(listed.stdout.split("\0"))) if name]
    return [path for path in files if path.is_file()]


def texts(*patterns: str) -> dict[str, str]:
    """What those files hold that are text, as Git tells it from the rest, by their paths in the repository."""
    contents = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in tracked(*patterns)}
    return {name: content.decode() for name, content in contents.items() if b"\0" not in content[:8000]}
