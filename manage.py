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
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        sys.exit("This Python has no Django: use .venv/bin/python manage.py …, which make run and make test set up")

    from apps.datasets.core.settings import SettingsInvalid

    try:
        execute_from_command_line(sys.argv)
    except SettingsInvalid as error:
        lines = [f"  {line}" for line in str(error).splitlines()]
        sys.exit("\n".join(["The environment is wrong (`. .anden/environment` sets that of make run):", *lines]))


if __name__ == "__main__":
    main()
