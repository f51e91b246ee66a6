"""The id of the request that is being answered: the same in the answer, in every line of the log and in the trace."""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

HEADER: Final = "X-Request-ID"

ATTRIBUTE: Final = "anden_request_id"
"""Where a request object keeps its id."""

_current: ContextVar[str] = ContextVar("request_id", default="")
_SOUND: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def request_id() -> str:
    """The id of the request that this thread answers; "" outside of requests."""
    return _current.get()


def valid_request_id(sent: str) -> str:
    """The id that a caller sent, if it is one; else a new one: what stands in a log must be safe to read."""
    return sent if _SOUND.fullmatch(sent) else uuid.uuid4().hex


@contextmanager
def request_context(identifier: str) -> Iterator[None]:
    """Have this be the request's id inside of the block."""
    token = _current.set(identifier)
    try:
        yield
    finally:
        _current.reset(token)


class RequestIdFilter(logging.Filter):
    """Gives every line the attribute `in_request`: " [id]" where it is about a request, "" otherwise."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True: every line is kept."""
        # Django tells of refused requests when they are over already, and gives the request along.
        identifier = request_id() or getattr(getattr(record, "request", None), ATTRIBUTE, "")
        record.in_request = f" [{identifier}]" if identifier else ""
        return True
