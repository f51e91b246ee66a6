"""Which bodies are read, by the headers that declare them."""

import asyncio
from typing import Any

import pytest

from web.body import Body, TransferCodingUnknown, read_body

Headers = list[tuple[bytes, bytes]]


def read(headers: Headers) -> Body:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    return asyncio.run(read_body({"headers": headers}, receive, most_bytes=100, within_s=5))


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
def test_a_body_in_another_transfer_coding_is_not_taken_for_plain(headers: Headers) -> None:
    with pytest.raises(TransferCodingUnknown, match="chunked"):
        read(headers)
