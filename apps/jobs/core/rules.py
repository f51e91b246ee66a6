"""The states of a job, pauses between attempts, and what is kept of an error."""

import re
from enum import StrEnum
from typing import Final


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE: Final = (JobState.QUEUED, JobState.RUNNING)
REQUEUABLE: Final = (JobState.FAILED, JobState.CANCELLED)
"""States from which a person may queue a job again."""

ERROR_LENGTH: Final = 500
QUOTING: Final = ("22", "23")
"""Classes of SQLSTATE about data: what PostgreSQL says of it may hold it."""
FIRST_PAUSE_S: Final = 30
LONGEST_PAUSE_S: Final = 3_600

_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s@]+@")
_SECRET: Final = re.compile(
    r"""((?:password|passwd|secret|token|authorization|api[_-]?key|credential)\w*["']?\s*[=:]\s*)(bearer\s+)?(?:"[^"]*"|'[^']*'|\S+)""",
    re.IGNORECASE,
)


def retry_pause_s(attempts: int) -> float:
    """Seconds until the next attempt, after so many failed: 30, 120, 480, then an hour at most."""
    return min(FIRST_PAUSE_S * 4.0 ** (attempts - 1), LONGEST_PAUSE_S)


def error_text(error: BaseException) -> str:
    """The error's class and message in one bounded line, without what looks like a secret or a part of a row."""
    state = str(getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None) or "")
    if state.startswith(QUOTING):
        return f"{type(error).__name__}: SQLSTATE {state}; PostgreSQL's message, which may quote a row, is in the log"
    message = _SECRET.sub(r"\1…", _CREDENTIALS.sub("…@", " ".join(str(error).split()))).replace("\0", "")
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return text if len(text) <= ERROR_LENGTH else text[: ERROR_LENGTH - 1] + "…"
