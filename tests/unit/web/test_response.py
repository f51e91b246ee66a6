"""An answer of a WSGI application, made in steps."""

from collections.abc import Iterator
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from web.response import CHUNK_BYTES, WsgiResponse


class Pieces:
    """A body that tells whether it was closed."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        self._pieces, self._error = pieces, error
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self._pieces
        if self._error:
            raise self._error

    def close(self) -> None:
        self.closed += 1


def answer_of(pieces: Pieces, between: list[str] | None = None) -> WsgiResponse:
    def application(_environ: WSGIEnvironment, start: StartResponse) -> Any:
        start("201 Created", [("X-A", "é")])(b"written ")
        return pieces

    return WsgiResponse(application, {}, lambda: between.append("given back") if between is not None else None)


def test_a_small_answer_is_one_step_and_closed_in_it() -> None:
    pieces = Pieces([b"one ", b"", b"two"])
    answer = answer_of(pieces)
    assert answer.next_chunk() == b"written one two"
    assert (answer.status, answer.headers, answer.finished, pieces.closed) == (201, [(b"X-A", b"\xe9")], True, 1)


def test_a_large_answer_gives_back_what_a_thread_holds_after_each_step() -> None:
    between: list[str] = []
    pieces = Pieces([b"a" * CHUNK_BYTES, b"b" * CHUNK_BYTES])
    answer = answer_of(pieces, between)
    assert [len(answer.next_chunk()), len(answer.next_chunk())] == [CHUNK_BYTES + len(b"written "), CHUNK_BYTES]
    assert (answer.finished, pieces.closed, len(between)) == (False, 0, 2)
    assert answer.next_chunk() == b""
    assert (answer.finished, pieces.closed, len(between)) == (True, 1, 2)


@pytest.mark.parametrize("begun", [True, False])
def test_an_answer_that_nobody_wants_is_closed_once(begun: bool) -> None:
    pieces = Pieces([b"a" * CHUNK_BYTES] * 9)
    answer = answer_of(pieces)
    if begun:
        answer.next_chunk()
    answer.close()
    answer.close()
    assert (answer.finished, pieces.closed) == (True, int(begun))


def test_an_answer_that_breaks_is_closed_and_says_so() -> None:
    pieces = Pieces([b"a" * CHUNK_BYTES], error=OSError("the database is away"))
    answer = answer_of(pieces)
    answer.next_chunk()
    with pytest.raises(OSError, match="away"):
        answer.next_chunk()
    assert (answer.finished, pieces.closed) == (True, 1)


def test_a_step_after_its_end_does_not_ask_the_application_again() -> None:
    pieces = Pieces([b"a"])
    answer = answer_of(pieces)
    answer.next_chunk()
    assert answer.next_chunk() == b""
