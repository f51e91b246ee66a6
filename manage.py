#!/usr/bin/env python
"""Andén's management commands."""

import os
import secrets
import select
import sys
from collections.abc import Sequence
from pathlib import Path

OFFLINE_COMMANDS = (("render",), ("dashboards", "render"), ("dashboards", "check"), ("secrets",))
"""Commands that need neither key nor database: they only read code, or run before either exists."""


def set_placeholders(words: Sequence[str]) -> None:
    """Set placeholders for required variables that these commands never use."""
    if any(tuple(words[: len(command)]) == command for command in OFFLINE_COMMANDS):
        os.environ.setdefault("ANDEN_SECRET_KEY", secrets.token_urlsafe(64))
        os.environ.setdefault("ANDEN_DATABASE_APP_URL", "postgresql://unused@127.0.0.1:9/unused")


def stdout_is_closed() -> bool:
    """Whether the reader of stdout is gone, as after `| head`."""
    poll = select.poll()
    poll.register(sys.stdout, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def main() -> None:
    """Run the command; an invalid variable is reported without a traceback."""
    root = Path(__file__).resolve().parent
    sys.path[:0] = [str(root), str(root / "platform")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    set_placeholders(sys.argv[1:])
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        sys.exit("Django is not installed for this Python: use .venv/bin/python, which make run and make test set up")

    from apps.telemetry.environment import SettingsInvalid, invalid_lines

    try:
        execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)
    except BrokenPipeError:
        if not stdout_is_closed():
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter still flushes stdout at exit
        sys.exit(1)
    except SettingsInvalid as error:
        if sys.argv[1:2] == ["doctor"]:
            from apps.console.adapters.checks.machine import settings_report

            sys.stdout.write(settings_report(error))
            sys.exit(1)
        lines = [f"  {line}" for line in invalid_lines(error)]
        sys.exit("\n".join(["Invalid environment (for make run's, source it: `. .anden/environment`):", *lines]))


if __name__ == "__main__":
    main()
