"""An outage of Kafka or PostgreSQL: log it once, retry with backoff."""

import logging
from typing import Final

from apps.ingest.core.backoff import Backoff

LOGGER: Final = logging.getLogger("apps.ingest")


REMINDER_S: Final = 60.0
"""The interval between two lines about the same outage."""


class Outage:
    """Whether a server that all streams need is unavailable, and its logged error."""

    def __init__(self) -> None:
        self._backoff = Backoff()
        self._began_s: float | None = None
        self._logged_s = 0.0

    def failed(self, now_s: float) -> float:
        """Start a pause; return its length in seconds."""
        return self._backoff.failed(now_s)

    def waits(self, now_s: float) -> bool:
        """Whether the pause is still running."""
        return self._backoff.waits(now_s)

    def report(self, message: str, *, now_s: float) -> None:
        """Log the first error of the outage, then one a minute, but not every retry."""
        if self._began_s is None:
            self._began_s = self._logged_s = now_s
            LOGGER.warning("%s", message)
        elif now_s - self._logged_s >= REMINDER_S:
            self._logged_s = now_s
            LOGGER.warning("%s (for %.0f s now)", message, now_s - self._began_s)

    def end(self, *, now_s: float) -> None:
        """End the outage."""
        self._backoff.succeeded()
        if self._began_s is not None:
            LOGGER.info("resuming after %.0f s", now_s - self._began_s)
        self._began_s = None
