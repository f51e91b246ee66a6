#!/usr/bin/env python3
"""The changelog's section of a release, for the tag's page on GitHub: changelog.py v0.2.0."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent


class Refused(Exception):
    """The tag is none of a release that the repository describes."""


def section(tag: str, changelog: str, version: str) -> str:
    """What CHANGELOG.md says of the release, without its heading.

    Raises Refused: the tag is not the version of pyproject.toml, or the changelog has nothing under it.
    """
    if tag != f"v{version}":
        raise Refused(f"the tag is {tag}, but pyproject.toml has the version {version}")
    found = re.search(rf"^## {re.escape(version)}\b[^\n]*\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found[1].strip():
        raise Refused(f"CHANGELOG.md has no section {version}, or nothing in it")
    return found[1].strip()


def main() -> int:
    """0, or 1 where a person has to look."""
    if len(sys.argv) != 2:
        sys.stderr.write("changelog: use changelog.py TAG\n")
        return 64
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    try:
        print(section(sys.argv[1], (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version))
    except Refused as refused:
        sys.stderr.write(f"changelog: {refused}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
