"""What `manage.py check` says of the environment beyond single values: names that nothing reads."""

import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Any, Final

from django.core.checks import CheckMessage, Warning  # noqa: A004 - Django's own name

from apps.telemetry.environment import EnvironmentSettings

OTHERS: Final = re.compile(r"ANDEN_(VENV|RUN_SECONDS|DB_PASSWORD|TEST_[A-Z_]+)")
"""Variables of the Makefile, the station, compose.yaml and the tests."""
KUBERNETES: Final = re.compile(r"ANDEN(_[A-Z0-9]+)*_(SERVICE_HOST|(SERVICE_)?PORT(_[A-Z0-9_]+)?)")
"""What Kubernetes tells a pod of the services beside it."""


def unread_variables(**_options: Any) -> list[CheckMessage]:
    """One warning for each ANDEN_ variable that no setting reads: a name typed wrong is a setting not made."""
    known = sorted(known_names(EnvironmentSettings))
    return [
        Warning(f"{name} is set, but nothing reads it", hint=_hint(name, known), id="anden.W001")
        for name in unread(os.environ, known)
    ]


def _hint(name: str, known: list[str]) -> str:
    """The name that was meant, as far as one is near."""
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else "See docs/settings.md"


def unread(names: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    """The names that look like ours and are not, in order."""
    read = set(known)
    for name in sorted(names):
        ours = name.startswith("ANDEN_") and name not in read
        if ours and not OTHERS.fullmatch(name) and not KUBERNETES.fullmatch(name):
            yield name


def known_names(base: type[EnvironmentSettings]) -> Iterator[str]:
    """The variables of every settings class."""
    for kind in base.__subclasses__():
        prefix = kind.model_config.get("env_prefix", "")
        yield from (f"{prefix}{field}".upper() for field in kind.model_fields)
