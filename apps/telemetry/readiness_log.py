"""The log filter for /readyz."""

import logging
from http import HTTPStatus
from typing import Final

PATH: Final = "/readyz"


class NotReadyFilter(logging.Filter):
    """Drops Django's log line for a 503 of /readyz: probes repeat it, and it is not a failure."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log the record."""
        path = getattr(getattr(record, "request", None), "path", "")
        return not (path == PATH and getattr(record, "status_code", 0) == HTTPStatus.SERVICE_UNAVAILABLE)
