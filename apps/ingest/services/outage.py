"""An outage of Kafka or PostgreSQL: log it once, retry with backoff."""

import logging
from typing import Final

from apps.ingest.core.backoff import Backoff

LOGGER: Final = logging.getLogger("apps.ingest")


class Outage:
    """Whether a server that all streams need is unavailable, and its logged error."""

    def __init__(self) -> None:
        self._backoff = Backoff()
        self._logged = ""

    def failed(self, now_s: float) -> float:
        """Start a pause; return its length in seconds."""
        return self._backoff.failed(now_s)

    def waits(self, now_s: float) -> bool:
        """Whether the pause is still running."""
        return self._backoff.waits(now_s)

    def report(self, message: str) -> None:
        """Log the first error of the outage, not every retry."""
        if not self._logged:
            LOGGER.warning("%s", message)
        self._logged = message

    def end(self) -> None:
        """End the outage."""
        self._backoff.succeeded()
        if self._logged:
            LOGGER.info("resuming")
        self._logged = ""
