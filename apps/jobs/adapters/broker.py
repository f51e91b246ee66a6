"""Sends job ids through Celery's broker, which may lose them."""

import logging
from collections.abc import Iterable
from typing import Final

from celery import current_app

from apps.jobs.core.rules import error_text

TASK: Final = "jobs.run"

logger = logging.getLogger(__name__)
_unavailable = False


def send(job_ids: Iterable[int]) -> None:
    """Send the ids to a worker. A broker error is logged once per outage; beat resends the ids."""
    global _unavailable  # noqa: PLW0603 - per process: whether the outage was logged
    try:
        for job_id in job_ids:
            current_app.send_task(TASK, (job_id,), retry=False, ignore_result=True)
            _unavailable = False
    except Exception as error:  # noqa: BLE001 - transports share no base exception
        if not _unavailable:
            logger.warning("cannot send jobs to the broker; beat will resend them: %s", error_text(error))
        _unavailable = True
