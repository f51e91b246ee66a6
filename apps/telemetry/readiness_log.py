"""What the log leaves out of the answers of /readyz."""

import logging
from http import HTTPStatus
from typing import Final

PATH: Final = "/readyz"


class NotReadyFilter(logging.Filter):
    """Leaves out Django's line on a 503 of /readyz: an answer that probes ask for again and again, no failure."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written."""
        path = getattr(getattr(record, "request", None), "path", "")
        return not (path == PATH and getattr(record, "status_code", 0) == HTTPStatus.SERVICE_UNAVAILABLE)
