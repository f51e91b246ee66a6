"""How many files a process may open: enough for its connections, or it does not start."""

import resource
from typing import Final

from apps.telemetry.environment import SettingsInvalid

RESERVED_FILES: Final = 250
"""For all else: databases, metrics, static files, and connections that are being closed."""


def raise_open_file_limit(connections: int) -> None:
    """Raise this process's own limit where it is too low for so many connections.

    Raises SettingsInvalid: the system's limit is too low.
    """
    own, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = connections + RESERVED_FILES
    if most != resource.RLIM_INFINITY and most < needed:
        raise SettingsInvalid(
            f"ANDEN_WEB_CONNECTIONS: needs {needed} open files, and a process may have {most} here (ulimit -Hn)"
        )
    if own != resource.RLIM_INFINITY and own < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))
