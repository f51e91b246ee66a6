"""Log throughput every few seconds."""

import logging
from typing import Final

from apps.ingest.services.batch import BatchWriter

LOGGER: Final = logging.getLogger("apps.ingest")
PROGRESS_S: Final = 10.0


class ProgressLog:
    """Logs the rows stored since the last line, if any."""

    def __init__(self, writer: BatchWriter, *, now_s: float) -> None:
        self._writer = writer
        self._since_s = now_s
        self._rows = 0

    def log_if_due(self, now_s: float) -> None:
        """Log a line if one is due."""
        if now_s - self._since_s < PROGRESS_S:
            return
        rows = self._writer.rows - self._rows
        if rows:
            LOGGER.info("%d rows in %.0f s, %d rejects in total", rows, now_s - self._since_s, self._writer.rejects)
        self._since_s, self._rows = now_s, self._writer.rows
