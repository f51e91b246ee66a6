"""A server that is away: told once, and tried again after pauses that grow."""

import logging
from typing import Final

from apps.ingest.core.backoff import Backoff

LOGGER: Final = logging.getLogger("apps.ingest")


class Outage:
    """Whether something is away that all streams need, and what was said of it."""

    def __init__(self) -> None:
        self._backoff = Backoff()
        self._said = ""

    def failed(self, now_s: float) -> float:
        """Begin a pause and say how long it is, seconds."""
        return self._backoff.failed(now_s)

    def waits(self, now_s: float) -> bool:
        """Whether the pause is not over."""
        return self._backoff.waits(now_s)

    def report(self, message: str) -> None:
        """Log a trouble once, not at every try."""
        if not self._said:
            LOGGER.warning("%s", message)
        self._said = message

    def end(self) -> None:
        """Everything is there again."""
        self._backoff.succeeded()
        if self._said:
            LOGGER.info("going on")
        self._said = ""
