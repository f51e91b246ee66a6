#!/usr/bin/env python
"""Runs Andén's management commands."""

import os
import sys
from pathlib import Path


def main() -> None:
    """Run the command that the arguments name; a wrong variable ends in one line, not in a traceback."""
    root = Path(__file__).resolve().parent
    sys.path[:0] = [str(root), str(root / "platform")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from apps.datasets.core.settings import SettingsInvalid

    try:
        execute_from_command_line(sys.argv)
    except SettingsInvalid as error:
        sys.exit("The environment is wrong:\n" + "\n".join(f"  {line}" for line in str(error).splitlines()))


if __name__ == "__main__":
    main()
