"""The rendered files below dashboards/grafana/."""

import json
import subprocess
from pathlib import Path
from typing import Any

from apps.monitoring.errors import ManifestInvalid


def documents(folder: Path) -> dict[str, Any]:
    """Each file's JSON by its path below the folder.

    Raises ManifestInvalid: there is no file, or one that cannot be read.
    """
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*.json")):
        name = path.relative_to(folder).as_posix()
        try:
            found[name] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ManifestInvalid(
                f"{name} cannot be read as JSON ({error}): run `manage.py dashboards render`"
            ) from error
    if not found:
        raise ManifestInvalid(f"{folder} holds no dashboards: run `manage.py dashboards render`")
    return found


def git_revision(folder: Path) -> str:
    """The revision of the checkout, with `+` when files differ from it; `unknown` where there is no checkout."""
    try:
        said = [
            _git(folder, "rev-parse", "--short=12", "HEAD"),
            _git(folder, "status", "--porcelain", "--", "dashboards"),
        ]
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return said[0] + ("+" if said[1] else "")


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", folder, *words], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
