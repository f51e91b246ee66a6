"""A WSGI response, produced in chunks."""

from collections.abc import Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from web.response import CHUNK_BYTES, WsgiResponse


class Parts:
    """A body that counts calls of `close`."""

    def __init__(self, parts: list[bytes], error: Exception | None = None) -> None:
        self._parts, self._error = parts, error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts
        if self._error:
            raise self._error

    def close(self) -> None:
        self.closed += 1


def response_of(parts: Parts, released: list[str] | None = None) -> WsgiResponse:
    def application(_environ: WSGIEnvironment, start: StartResponse) -> Any:
        start("201 Created", [("X-A", "é")])(b"written ")
        return parts

    return WsgiResponse(application, {}, lambda: released.append("x") if released is not None else None)


def test_a_small_response_is_one_chunk_and_is_closed_with_it() -> None:
    parts = Parts([b"one ", b"", b"two"])
    response = response_of(parts)
    assert response.next_chunk() == b"written one two"
    assert (response.status, response.headers, response.finished, parts.closed) == (201, [(b"X-A", b"\xe9")], True, 1)


def test_a_large_response_releases_its_threads_resources_after_each_chunk() -> None:
    released: list[str] = []
    parts = Parts([b"a" * CHUNK_BYTES, b"b" * CHUNK_BYTES])
    response = response_of(parts, released)
    assert [len(response.next_chunk()), len(response.next_chunk())] == [CHUNK_BYTES + len(b"written "), CHUNK_BYTES]
    assert (response.finished, parts.closed, len(released)) == (False, 0, 2)
    assert response.next_chunk() == b""
    assert (response.finished, parts.closed, len(released)) == (True, 1, 2)


@pytest.mark.parametrize("begun", [True, False])
def test_an_abandoned_response_is_closed_once(begun: bool) -> None:
    parts = Parts([b"a" * CHUNK_BYTES] * 9)
    response = response_of(parts)
    if begun:
        response.next_chunk()
    response.close()
    response.close()
    assert (response.finished, parts.closed) == (True, int(begun))


def test_a_failing_response_is_closed_and_raises() -> None:
    parts = Parts([b"a" * CHUNK_BYTES], error=OSError("the database is down"))
    response = response_of(parts)
    response.next_chunk()
    with pytest.raises(OSError, match="down"):
        response.next_chunk()
    assert (response.finished, parts.closed) == (True, 1)


def test_a_chunk_after_the_end_is_empty() -> None:
    parts = Parts([b"a"])
    response = response_of(parts)
    response.next_chunk()
    assert response.next_chunk() == b""
