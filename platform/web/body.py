"""Reads a request's body before a thread handles it: all of it, or enough for the application to refuse it."""

import asyncio
from dataclasses import dataclass
from typing import Final

from web.types import Message, Receive, Scope

CHUNK_BYTES: Final = 64 * 1024


class BodyTimeout(Exception):
    """The body did not arrive in time."""


class TransferCodingUnsupported(Exception):
    """The body has a transfer coding other than chunked."""


class ClientDisconnected(Exception):
    """The client disconnected before its body was complete."""


@dataclass(frozen=True)
class Body:
    """The bytes received. If the body is not complete, the rest is still on its way."""

    data: bytes = b""
    complete: bool = True


class BodyMemory:
    """The memory budget for bodies being received. If it is exceeded, the oldest body is dropped."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes
        self._reserved: dict[asyncio.Timeout, int] = {}

    def reserve(self, deadline: asyncio.Timeout, size: int) -> None:
        """Reserve bytes for the body with this deadline."""
        self._reserved[deadline] = self._reserved.get(deadline, 0) + size
        self._left -= size
        while self._left < 0:
            first = next(iter(self._reserved))
            self.release(first)
            first.reschedule(0)

    def release(self, deadline: asyncio.Timeout) -> None:
        """Release the bytes of the body with this deadline."""
        self._left += self._reserved.pop(deadline, 0)


async def read_body(scope: Scope, receive: Receive, memory: BodyMemory, *, most_bytes: int, within_s: float) -> Body:
    """The complete body; for a larger one, a part above `most_bytes`, or nothing if its declared length is above.

    Raises BodyTimeout, ClientDisconnected, TransferCodingUnsupported.
    """
    headers = dict(scope["headers"])
    codings = [value for name, value in scope["headers"] if name.lower() == b"transfer-encoding"]
    if any(value.strip().lower() != b"chunked" for value in codings):
        raise TransferCodingUnsupported("chunked is the only supported transfer coding: send the body without another")
    declared = headers.get(b"content-length", b"")
    if not declared and b"transfer-encoding" not in headers:
        return Body()
    if declared and int(declared) > most_bytes:
        return Body(complete=False)
    deadline = asyncio.timeout(within_s)
    try:
        async with deadline:
            return await _received(receive, most_bytes, deadline, memory)
    except TimeoutError:
        raise BodyTimeout(
            f"the body did not arrive within {within_s:g} s, or its memory was needed for other bodies"
        ) from None
    finally:
        memory.release(deadline)


async def _received(receive: Receive, most_bytes: int, deadline: asyncio.Timeout, memory: BodyMemory) -> Body:
    pieces: list[bytearray] = []
    size = 0
    while size <= most_bytes:
        message = await _next(receive, deadline)
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        piece = message.get("body", b"")
        size += len(piece)
        # Small pieces kept separately would take many times more memory.
        if pieces and len(pieces[-1]) < CHUNK_BYTES:
            pieces[-1] += piece
        else:
            pieces.append(bytearray(piece))
        if not message.get("more_body", False):
            return Body(b"".join(pieces))
        memory.reserve(deadline, len(piece))
    return Body(b"".join(pieces), complete=False)


async def _next(receive: Receive, deadline: asyncio.Timeout) -> Message:
    """The next message. Raises TimeoutError, even if gunicorn has swallowed it.

    In Python 3.11 asyncio.wait_for, which gunicorn uses, returns a message that arrives at the moment of cancellation.
    """
    message = await receive()
    if deadline.expired():
        raise TimeoutError
    return message


async def discard_rest(receive: Receive, *, within_s: float, most_bytes: int) -> None:
    """Discard the rest of the body, within limits: a client that is still sending would not read its response."""
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
