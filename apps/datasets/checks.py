"""The check of the environment in `manage.py check`: variables that no setting reads."""

import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Final

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name

from apps.telemetry.environment import EnvironmentSettings, variable_name

OTHERS: Final = re.compile(r"ANDEN_(VENV|RUN_SECONDS|DB_PASSWORD|TEST_[A-Z_]+)")
"""Variables of the Makefile, the embedded servers, compose.yaml and the tests."""
KUBERNETES: Final = re.compile(r"ANDEN(_[A-Z0-9]+)*_(SERVICE_HOST|(SERVICE_)?PORT(_[A-Z0-9_]+)?)")
"""Service variables that Kubernetes injects into pods."""


def unread_variables(**_options: Any) -> list[CheckMessage]:
    """A warning for each ANDEN_ variable that no setting reads: most likely a typo."""
    known = sorted(known_names(EnvironmentSettings))
    return [
        Warning(f"{name} is set, but no setting reads it", hint=_hint(name, known), id="anden.W001")
        for name in unread(os.environ, known)
    ]


def _hint(name: str, known: list[str]) -> str:
    """The closest known name, if there is one."""
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else "See docs/settings.md"


def unread(names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """The ANDEN_ names that no setting reads, sorted."""
    read = set(known)
    for name in sorted(names):
        unread_name = name.startswith("ANDEN_") and name not in read
        if unread_name and not OTHERS.fullmatch(name) and not KUBERNETES.fullmatch(name):
            yield name


def known_names(base: type[EnvironmentSettings]) -> Iterator[str]:
    """The variables of every settings class."""
    for kind in base.__subclasses__():
        yield from (variable_name(kind, field) for field in kind.model_fields)
