"""What a contributor changed: the files that differ from where main was left, and those that git does not know yet."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAINS: Final = ("main", "origin/main")


class NoRepository(Exception):
    """This is no clone of a git repository, so nothing tells what was changed."""


@dataclass(frozen=True)
class Changes:
    """Paths from the root, sorted: changed, new and deleted ones; `base` names what they were compared with."""

    base: str
    paths: tuple[str, ...]


def changes(root: Path) -> Changes:
    """Everything that differs from the merge base with main, or from the last commit where there is no main.

    Raises NoRepository.
    """
    head = _git(root, "rev-parse", "--verify", "--quiet", "HEAD")
    if head is None and _git(root, "rev-parse", "--git-dir") is None:
        raise NoRepository(NoRepository.__doc__)
    base, commit = _base(root, head)
    changed = _git(root, "diff", "--name-only", "--no-renames", "--relative", "-z", commit) if commit else ""
    new = _git(root, "ls-files", "--others", *([] if commit else ["--cached"]), "--exclude-standard", "-z")
    return Changes(base, tuple(sorted({path for path in f"{changed}{new}".split("\0") if path})))


def _base(root: Path, head: str | None) -> tuple[str, str]:
    """What the files are compared with, in words, and the commit; none before the first."""
    if head is None:
        return "nothing: there is no commit yet", ""
    for main in MAINS:
        if found := _git(root, "merge-base", main, "HEAD"):
            return f"{main} at {found[:12]}", found.strip()
    return f"the last commit, {head[:12]}: there is no branch main here", head.strip()


def _git(root: Path, *words: str) -> str | None:
    """What git prints; None where it fails or is not installed."""
    try:
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", *words], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
