"""Celery on SQS: one queue that Terraform made, read without pycurl."""

import re
from typing import Any, Final

from kombu.transport import SQS, TRANSPORT_ALIASES

_REGION: Final = re.compile(r"^https?://sqs\.([a-z0-9-]+)\.")


class Transport(SQS.Transport):
    """SQS in the worker's own thread: kombu's event loop would want pycurl, which needs a compiler's libcurl."""

    implements = SQS.Transport.implements.extend(asynchronous=False)


def register() -> None:
    """Have `sqs://` mean this transport."""
    TRANSPORT_ALIASES["sqs"] = "config.sqs:Transport"


def queue_name(url: str) -> str:
    """The last part of a queue's URL."""
    return url.rsplit("/", 1)[-1]


def transport_options(url: str) -> dict[str, Any]:
    """Kombu's options for this one queue: it is neither looked for nor made, so that sending and receiving suffice."""
    found = _REGION.match(url)
    region = {"region": found[1]} if found else {}
    return {**region, "predefined_queues": {queue_name(url): {"url": url}}, "wait_time_seconds": 20}
