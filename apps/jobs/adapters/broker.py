"""Celery as a messenger: it carries the ids of jobs, and may lose them."""

import logging
from collections.abc import Iterable
from typing import Final

from celery import current_app

from apps.jobs.core.rules import error_text

TASK: Final = "jobs.run"

logger = logging.getLogger(__name__)
_away = False


def send(job_ids: Iterable[int]) -> None:
    """Send the ids to a worker; a broker that is away or refuses is told once, and beat sends them again."""
    global _away  # noqa: PLW0603 - whether it was told is the process's own
    try:
        for job_id in job_ids:
            current_app.send_task(TASK, (job_id,), retry=False, ignore_result=True)
            _away = False
    except Exception as error:  # noqa: BLE001 - the errors of transports have no root in common
        if not _away:
            logger.warning("the broker takes no jobs, beat sends them again: %s", error_text(error))
        _away = True
