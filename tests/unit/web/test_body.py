"""Reading bodies, by their headers."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from web.body import Body, BodyMemory, BodyTimeout, TransferCodingUnsupported, read_body
from web.types import Message, Receive

Headers = list[tuple[bytes, bytes]]
CHUNKED: Headers = [(b"transfer-encoding", b"chunked")]


def read(headers: Headers) -> Body:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    return asyncio.run(read_body({"headers": headers}, receive, BodyMemory(100), most_bytes=100, within_s=5))


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b" chunked "])
def test_a_chunked_body_is_read(coding: bytes) -> None:
    assert read([(b"transfer-encoding", coding)]) == Body(b"{}")


@pytest.mark.parametrize(
    "headers",
    [
        [(b"transfer-encoding", b"gzip, chunked")],
        [(b"transfer-encoding", b"deflate,chunked")],
        [(b"transfer-encoding", b"gzip"), (b"transfer-encoding", b"chunked")],
        [(b"transfer-encoding", b"identity, chunked")],
    ],
)
def test_a_body_with_another_transfer_coding_is_refused(headers: Headers) -> None:
    with pytest.raises(TransferCodingUnsupported, match="chunked"):
        read(headers)


def test_a_swallowed_deadline_still_applies() -> None:
    """In Python 3.11 asyncio.wait_for swallows a cancellation if a result arrives at the same moment."""

    async def receive() -> Message:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": True}

    with pytest.raises(BodyTimeout):
        asyncio.run(
            asyncio.wait_for(
                read_body({"headers": CHUNKED}, receive, BodyMemory(10_000), most_bytes=10_000, within_s=0.1), 5
            )
        )


def complete_body(size: int) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * size, "more_body": False}

    return receive


def test_the_oldest_body_is_dropped_when_memory_is_exceeded() -> None:
    limit = 100

    def partial(size: int) -> Receive:
        pieces = [b"x" * size]

        async def receive() -> Message:
            if not pieces:
                await asyncio.Event().wait()
            return {"type": "http.request", "body": pieces.pop(), "more_body": True}

        return receive

    async def run() -> list[bool]:
        memory = BodyMemory(limit)
        tasks = []
        for size in (60, 30, 60, 10):
            read = read_body({"headers": CHUNKED}, partial(size), memory, most_bytes=limit, within_s=30)
            tasks.append(asyncio.create_task(read))
            await asyncio.sleep(0.01)
        dropped = [task.done() for task in tasks]
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[0], BodyTimeout)
        body = await read_body({"headers": CHUNKED}, complete_body(limit), memory, most_bytes=limit, within_s=30)
        assert body == Body(b"x" * limit)
        return dropped

    assert asyncio.run(run()) == [True, False, False, False]
