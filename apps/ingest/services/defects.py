"""Log unexpected errors once, with their traceback."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType
from typing import Final

LOGGER: Final = logging.getLogger("apps.ingest")
MOST_KNOWN: Final = 200
FIRST_FRAMES: Final = 10
LAST_FRAMES: Final = 20
"""The frames of a traceback that are logged: the first and the last."""


class DefectLog:
    """Logs each defect once, identified by the error's class and where it was raised."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str, int]] = set()

    def log(self, error: Exception) -> None:
        """Log the error unless it is known. Never raises."""
        with suppress(Exception):
            frames = traceback.extract_tb(error.__traceback__)
            where = (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)
            defect = (type(error).__name__, *where)
            if defect in self._known or len(self._known) >= MOST_KNOWN:
                return
            self._known.add(defect)
            _shorten(error)
            message = "unexpected %s: bisecting its records to find the one at fault"
            LOGGER.error(message, defect[0], exc_info=error)


def _shorten(error: BaseException) -> None:
    """Cut the middle out of the error's and its causes' tracebacks: a recursion has a thousand frames."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop()
        if cause is None or id(cause) in seen:
            continue
        seen.add(id(cause))
        waiting += [cause.__cause__, cause.__context__]
        frames = list(_frames(cause.__traceback__))
        if len(frames) > FIRST_FRAMES + LAST_FRAMES:
            frames[FIRST_FRAMES - 1].tb_next = frames[-LAST_FRAMES]


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next
