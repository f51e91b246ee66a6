"""Celery on SQS, with one queue created by Terraform."""

import re
from typing import Any, Final

from kombu.transport import TRANSPORT_ALIASES

WAIT_S: Final = 20
"""Long-polling time of a worker."""
_REGION: Final = re.compile(r"^https?://sqs\.([a-z0-9-]+)\.")


def register() -> None:
    """Register our transport for `sqs://`; it is imported only when used, because boto3 is slow to import."""
    TRANSPORT_ALIASES["sqs"] = "config.sqs_transport:Transport"


def queue_name(url: str) -> str:
    """The last part of a queue's URL."""
    return url.rsplit("/", 1)[-1]


def transport_options(url: str) -> dict[str, Any]:
    """Kombu's options for this queue; predefined, so permissions to send and receive suffice."""
    found = _REGION.match(url)
    region = {"region": found[1]} if found else {}
    return {
        **region,
        "predefined_queues": {queue_name(url): {"url": url}},
        "wait_time_seconds": WAIT_S,
        # A sender must not wait for minutes, boto3's default: the job's row stays, and beat sends its id again.
        "client-config": {"connect_timeout": 3, "read_timeout": WAIT_S + 5, "retries": {"total_max_attempts": 2}},
    }
