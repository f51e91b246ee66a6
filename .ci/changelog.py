#!/usr/bin/env python3
"""Prints the release's tag or its section of CHANGELOG.md. Called by .github/workflows.

`changelog.py tag` prints the tag, such as v0.2.0, and refuses an existing one; `changelog.py section` the section.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


class Refused(Exception):
    """The release cannot be made: the message gives the reason."""


def section(changelog: str, version: str) -> str:
    """The version's section without its heading. Raises Refused: missing or empty."""
    found = re.search(rf"^## {re.escape(version)}(?: [^\n]*)?\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise Refused(f"CHANGELOG.md has no section {version}, or nothing in it")
    return found[1].strip()


def unused_tag(tag: str) -> str:
    """The tag. Raises Refused: it exists on the server, or the server does not answer."""
    command = ["git", "ls-remote", "origin", f"refs/tags/{tag}"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 or done.stdout.strip():
        raise Refused(f"{tag} is there already, or the server does not answer: raise the version in pyproject.toml")
    return tag


def main() -> int:
    """Print the tag or the section; return 1 if that was refused."""
    if sys.argv[1:] not in (["tag"], ["section"]):
        sys.stderr.write("changelog: use tag or section\n")
        return 64
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    try:
        found = section((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version)
        print(unused_tag(f"v{version}") if sys.argv[1] == "tag" else found)
    except Refused as refused:
        sys.stderr.write(f"changelog: {refused}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
