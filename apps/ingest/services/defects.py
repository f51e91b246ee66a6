"""Errors that nothing here expects, told once with their traceback."""

import logging
import traceback
from contextlib import suppress
from typing import Final

LOGGER: Final = logging.getLogger("apps.ingest")
MOST_KNOWN: Final = 200


class DefectLog:
    """Logs each defect the first time that it shows: by the error's class, and where it was raised."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str, int]] = set()

    def tell(self, error: Exception) -> None:
        """Log the error, unless this one is known. Never raises."""
        with suppress(Exception):
            frames = traceback.extract_tb(error.__traceback__)
            where = (frames[-1].filename, frames[-1].lineno or 0) if frames else ("", 0)
            defect = (type(error).__name__, *where)
            if defect in self._known or len(self._known) >= MOST_KNOWN:
                return
            self._known.add(defect)
            message = "an unexpected %s: its records are taken in smaller and smaller parts"
            LOGGER.error(message, defect[0], exc_info=error)
