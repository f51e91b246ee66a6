"""A request's body, read before a thread works on it: whole, or as much as the application needs to refuse it."""

import asyncio
from dataclasses import dataclass
from typing import Final

from web.types import Message, Receive, Scope

CHUNK_BYTES: Final = 64 * 1024


class BodyTimeout(Exception):
    """The body did not come within its time."""


class TransferCodingUnsupported(Exception):
    """The body is encoded for its transfer in a way that nothing here decodes."""


class ClientDisconnected(Exception):
    """The client left before its body was there."""


@dataclass(frozen=True)
class Body:
    """The bytes that came. Of one that is not whole the rest is still on its way."""

    data: bytes = b""
    complete: bool = True


class BodyMemory:
    """The memory for bodies that are still on their way. Where it is full, the one that began first makes room."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes
        self._taken: dict[asyncio.Timeout, int] = {}

    def reserve(self, deadline: asyncio.Timeout, size: int) -> None:
        """Keep so many bytes more of the body that has this deadline."""
        self._taken[deadline] = self._taken.get(deadline, 0) + size
        self._left -= size
        while self._left < 0:
            first = next(iter(self._taken))
            self.release(first)
            first.reschedule(0)

    def release(self, deadline: asyncio.Timeout) -> None:
        """Keep nothing more of the body that has this deadline."""
        self._left += self._taken.pop(deadline, 0)


async def read_body(scope: Scope, receive: Receive, room: BodyMemory, *, most_bytes: int, within_s: float) -> Body:
    """The whole body, or where it is larger a part that is larger than `most_bytes`; nothing of one declared so.

    Raises BodyTimeout, ClientDisconnected, TransferCodingUnsupported.
    """
    headers = dict(scope["headers"])
    codings = [value for name, value in scope["headers"] if name.lower() == b"transfer-encoding"]
    if any(value.strip().lower() != b"chunked" for value in codings):
        raise TransferCodingUnsupported("the only transfer coding taken is chunked: send the body without another")
    declared = headers.get(b"content-length", b"")
    if not declared and b"transfer-encoding" not in headers:
        return Body()
    if declared and int(declared) > most_bytes:
        return Body(complete=False)
    deadline = asyncio.timeout(within_s)
    try:
        async with deadline:
            return await _received(receive, most_bytes, deadline, room)
    except TimeoutError:
        raise BodyTimeout(
            f"the body was not there within {within_s:g} s, or before others that are on their way took its room"
        ) from None
    finally:
        room.release(deadline)


async def _received(receive: Receive, most_bytes: int, deadline: asyncio.Timeout, room: BodyMemory) -> Body:
    pieces: list[bytearray] = []
    size = 0
    while size <= most_bytes:
        message = await _next(receive, deadline)
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        piece = message.get("body", b"")
        size += len(piece)
        # Each piece of its own would take many times more, where they are small.
        if pieces and len(pieces[-1]) < CHUNK_BYTES:
            pieces[-1] += piece
        else:
            pieces.append(bytearray(piece))
        if not message.get("more_body", False):
            return Body(b"".join(pieces))
        room.reserve(deadline, len(piece))
    return Body(b"".join(pieces), complete=False)


async def _next(receive: Receive, deadline: asyncio.Timeout) -> Message:
    """What comes next. Raises TimeoutError, even where gunicorn has swallowed it.

    Python 3.11 has asyncio.wait_for, by which gunicorn waits, return what came at the moment of a cancellation.
    """
    message = await receive()
    if deadline.expired():
        raise TimeoutError
    return message


async def discard_rest(receive: Receive, *, within_s: float, most_bytes: int) -> None:
    """Take what still comes of the body, in bounds: a client that sends on would not see its answer otherwise."""
    size = 0
    try:
        async with asyncio.timeout(within_s) as deadline:
            while size < most_bytes:
                message = await _next(receive, deadline)
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return
