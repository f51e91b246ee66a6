"""Ensures that a process may open enough files for its connections."""

import resource
from typing import Final

from apps.telemetry.environment import SettingsInvalid

RESERVED_FILES: Final = 250
"""Files besides connections: databases, metrics, static files, and connections being closed."""


def raise_open_file_limit(connections: int) -> None:
    """Raise the process's soft limit if it is too low for this many connections.

    Raises SettingsInvalid: the hard limit is too low.
    """
    own, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + RESERVED_FILES
    if most != resource.RLIM_INFINITY and most < needed:
        raise SettingsInvalid(
            f"ANDEN_WEB_CONNECTIONS: needs {needed} open files, but the hard limit is {most} (ulimit -Hn)"
        )
    if own != resource.RLIM_INFINITY and own < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))
