"""The current request's id: the same in the response, in every log line and in the trace."""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

HEADER: Final = "X-Request-ID"

ATTRIBUTE: Final = "anden_request_id"
"""Attribute of a request object that holds its id."""

_current: ContextVar[str] = ContextVar("request_id", default="")
_SOUND: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def request_id() -> str:
    """The id of the request this thread serves; "" outside requests."""
    return _current.get()


def valid_request_id(sent: str) -> str:
    """The caller's id if it is valid, otherwise a new one: only safe characters may reach the log."""
    return sent if _SOUND.fullmatch(sent) else uuid.uuid4().hex


@contextmanager
def request_context(identifier: str) -> Iterator[None]:
    """Make this the current request's id within the block."""
    token = _current.set(identifier)
    try:
        yield
    finally:
        _current.reset(token)


class RequestIdFilter(logging.Filter):
    """Gives every log record the attribute `in_request`: " [id]" within a request, "" otherwise."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Set the attribute; every record is kept."""
        # Django logs rejected requests after they ended, and passes the request.
        identifier = request_id() or getattr(getattr(record, "request", None), ATTRIBUTE, "")
        record.in_request = f" [{identifier}]" if identifier else ""
        return True
