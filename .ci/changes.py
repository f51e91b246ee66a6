"""Finds changed files: those that differ from the merge base with main, and untracked ones."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAINS: Final = ("main", "origin/main")


class NoRepository(Exception):
    """This folder is not in a git repository, so changes are unknown."""


@dataclass(frozen=True)
class Changes:
    """Changed, new and deleted paths, sorted; `base` describes what they were compared with."""

    base: str
    paths: tuple[str, ...]


def changes(root: Path) -> Changes:
    """All changes since the merge base with main, or since the last commit if there is no main.

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
    """A description of the base, and its commit; empty before the first commit."""
    if head is None:
        return "nothing (no commit yet)", ""
    for main in MAINS:
        if found := _git(root, "merge-base", main, "HEAD"):
            return f"{main} at {found[:12]}", found.strip()
    return f"the last commit, {head[:12]} (there is no branch main here)", head.strip()


def _git(root: Path, *words: str) -> str | None:
    """Git's output; None if it fails or is not installed."""
    try:
        done = subprocess.run(
            ["git", "-c", "safe.directory=*", *words], cwd=root, capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
