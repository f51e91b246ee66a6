"""The rendered files in dashboards/grafana/."""

import json
import subprocess
from pathlib import Path
from typing import Any

from apps.monitoring.errors import ManifestInvalid


def documents(folder: Path) -> dict[str, Any]:
    """The JSON of each file, by its path below the folder.

    Raises ManifestInvalid: no file, or an unreadable one.
    """
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        try:
            found[name] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ManifestInvalid(f"{name} is not valid JSON ({error}): run `manage.py dashboards render`") from error
    if not found:
        raise ManifestInvalid(f"{folder} has no dashboards: run `manage.py dashboards render`")
    return found


def git_revision(folder: Path) -> str:
    """The Git commit, with `+` if dashboards/ has uncommitted changes; `unknown` without a checkout."""
    try:
        lines = [
            _git(folder, "rev-parse", "--short=12", "HEAD"),
            _git(folder, "status", "--porcelain", "--", "dashboards"),
        ]
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return lines[0] + ("+" if lines[1] else "")


def _git(folder: Path, *words: str) -> str:
    completed = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True, timeout=10)
    return completed.stdout.strip()
