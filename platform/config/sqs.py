"""Celery on SQS: one queue that Terraform made."""

import re
from typing import Any, Final

from kombu.transport import TRANSPORT_ALIASES

WAIT_S: Final = 20
"""How long a worker's question to an empty queue stays open."""
_REGION: Final = re.compile(r"^https?://sqs\.([a-z0-9-]+)\.")


def register() -> None:
    """Have `sqs://` mean our transport; boto3 comes with it, and nobody waits for that who has no queue there."""
    TRANSPORT_ALIASES["sqs"] = "config.sqs_transport:Transport"


def queue_name(url: str) -> str:
    """The last part of a queue's URL."""
    return url.rsplit("/", 1)[-1]


def transport_options(url: str) -> dict[str, Any]:
    """Kombu's options for this one queue: it is neither looked for nor made, so that sending and receiving suffice."""
    found = _REGION.match(url)
    region = {"region": found[1]} if found else {}
    return {
        **region,
        "predefined_queues": {queue_name(url): {"url": url}},
        "wait_time_seconds": WAIT_S,
        # Who sends must not wait for minutes, which is boto3's own patience: a job's row stays, and beat sends again.
        "client-config": {"connect_timeout": 3, "read_timeout": WAIT_S + 5, "retries": {"total_max_attempts": 2}},
    }
