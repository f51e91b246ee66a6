"""Job states, retry delays, and the stored text of an error."""

import re
from enum import StrEnum
from typing import Final


class JobState(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


LIVE: Final = (JobState.QUEUED, JobState.RUNNING)
REQUEUABLE: Final = (JobState.FAILED, JobState.CANCELLED)
"""States from which a user may queue a job again."""

MAX_ERROR_LENGTH: Final = 500
DATA_ERRORS: Final = ("22", "23")
"""SQLSTATE classes of data errors, whose messages may quote the data."""
FIRST_DELAY_S: Final = 30
MAX_DELAY_S: Final = 3_600

_CREDENTIALS: Final = re.compile(r"(?<=://)[^/\s@]+@")
_SECRET: Final = re.compile(
    r"""((?:password|passwd|secret|token|authorization|api[_-]?key|credential)\w*["']?\s*[=:]\s*)(bearer\s+)?(?:"[^"]*"|'[^']*'|\S+)""",
    re.IGNORECASE,
)


def retry_delay_s(attempts: int) -> float:
    """Seconds until the next attempt, after this many failed: 30, 120, 480, …, at most an hour."""
    return min(FIRST_DELAY_S * 4.0 ** (attempts - 1), MAX_DELAY_S)


def error_text(error: BaseException) -> str:
    """The error's class and message on one bounded line, without apparent secrets or row data."""
    state = str(getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None) or "")
    if state.startswith(DATA_ERRORS):
        return f"{type(error).__name__}: SQLSTATE {state}; see the log for PostgreSQL's message, which may quote a row"
    message = _SECRET.sub(r"\1…", _CREDENTIALS.sub("…@", " ".join(str(error).split()))).replace("\0", "")
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return text if len(text) <= MAX_ERROR_LENGTH else text[: MAX_ERROR_LENGTH - 1] + "…"
