"""The media type of a body: taken for what it says, or not taken. Source: RFC 9110, 8.3.1; RFC 7396, 3."""

from collections.abc import Sequence
from email.message import Message
from typing import Final

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii"})
"""JSON is UTF-8, and has no parameter to say so: one that is sent must not say otherwise."""

MAX_LENGTH: Final = 256
"""Characters; the standard library takes parameters apart in a time that grows with the square of their length."""


def media_type(header: str, taken: Sequence[str]) -> str | None:
    """The one of the types taken that the header Content-Type names; None for any other, and for another charset."""
    if len(header) > MAX_LENGTH:
        return None
    message = Message()
    message["Content-Type"] = header
    name = header.partition(";")[0].strip().lower()
    try:
        charset = message.get_param("charset", "utf-8")
    except TypeError:  # of a parameter in parts, some of them without a number
        return None
    if name not in taken or not isinstance(charset, str) or charset.lower() not in UTF_8:
        return None
    return name
