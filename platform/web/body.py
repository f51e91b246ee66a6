"""A request's body, read before a thread works on it: whole, or as much as the application needs to refuse it."""

import asyncio
from dataclasses import dataclass

from web.types import Receive, Scope


class BodyOverdue(Exception):
    """The body did not come within its time."""


class TransferCodingUnknown(Exception):
    """The body is encoded for its transfer in a way that nothing here decodes."""


class ClientGone(Exception):
    """The client left before its body was there."""


@dataclass(frozen=True)
class Body:
    """The bytes that came. Of one that is not whole the rest is still on its way."""

    data: bytes = b""
    whole: bool = True


async def read_body(scope: Scope, receive: Receive, *, most_bytes: int, within_s: float) -> Body:
    """The whole body, or where it is larger a part that is larger than `most_bytes`; nothing of one declared so.

    Raises BodyOverdue, ClientGone, TransferCodingUnknown.
    """
    headers = dict(scope["headers"])
    codings = [value for name, value in scope["headers"] if name.lower() == b"transfer-encoding"]
    if any(value.strip().lower() != b"chunked" for value in codings):
        raise TransferCodingUnknown("the only transfer coding taken is chunked: send the body without another")
    declared = headers.get(b"content-length", b"")
    if not declared and b"transfer-encoding" not in headers:
        return Body()
    if declared and int(declared) > most_bytes:
        return Body(whole=False)
    try:
        async with asyncio.timeout(within_s):
            return await _received(receive, most_bytes)
    except TimeoutError:
        raise BodyOverdue(f"the body was not there within {within_s:g} s") from None


async def _received(receive: Receive, most_bytes: int) -> Body:
    pieces: list[bytes] = []
    size = 0
    while size <= most_bytes:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        piece = message.get("body", b"")
        size += len(piece)
        pieces.append(piece)
        if not message.get("more_body", False):
            return Body(b"".join(pieces))
    return Body(b"".join(pieces), whole=False)


async def discard_rest(receive: Receive, *, within_s: float, most_bytes: int) -> None:
    """Take what still comes of the body, in bounds: a client that sends on would not see its answer otherwise."""
    size = 0
    try:
        async with asyncio.timeout(within_s):
            while size < most_bytes:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return
