"""Media types of request bodies. Source: RFC 9110, 8.3.1; RFC 7396, 3."""

from collections.abc import Sequence
from email.message import Message
from typing import Final

JSON: Final = "application/json"
MERGE_PATCH: Final = "application/merge-patch+json"
UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii"})
"""JSON is always UTF-8 and defines no charset parameter; a charset that is sent anyway must agree."""

MAX_LENGTH: Final = 256
"""Characters. The standard library parses parameters in quadratic time."""


def media_type(header: str, supported: Sequence[str]) -> str | None:
    """The supported media type that a Content-Type header names; None for any other type or charset."""
    if len(header) > MAX_LENGTH:
        return None
    message = Message()
    message["Content-Type"] = header
    name = header.partition(";")[0].strip().lower()
    try:
        charset = message.get_param("charset", "utf-8")
    except TypeError:  # a continued parameter (RFC 2231) without a section number
        return None
    if name not in supported or not isinstance(charset, str) or charset.lower() not in UTF_8:
        return None
    return name
