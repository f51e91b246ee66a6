"""The faster parser accepts and refuses the same input as gunicorn's."""

from collections.abc import Callable
from time import perf_counter

import pytest
from gunicorn.asgi.parser import ParseError, PythonProtocol
from hypothesis import given
from hypothesis import strategies as st

from web.parser import FastParser

POST = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
ODD = (b"\r\n", b"\n", b"\r", b" ", b"\t", b";", b";a", b' ; a = "b;\\""', b";\x01", b"0", b"0x2", b"+2", b"g", b"_")
CHUNK = st.sampled_from(
    [b"2\r\naa\r\n", b"02\r\naa\r\n", b"2;a=b\r\n\r\n\r\n", b"A \t;a\r\n0123456789\r\n", b"3\r\n2\r\n\r\n"]
)
STREAM = st.lists(CHUNK | st.sampled_from(ODD), max_size=12).map(b"".join)
END = st.sampled_from([b"", b"0\r\n\r\n", b"0\r\nX: a\r\n\r\n", b"0;a\r\n\r\nGET /b HTTP/1.1\r\n"])


def read(kind: type[PythonProtocol], data: bytes, size: int) -> tuple[bytes, bool, bytes, str]:
    """Feed a request in pieces of this size; return body, completeness, remaining bytes and error."""
    body = bytearray()
    parser = kind(on_body=body.extend)
    error = ""
    try:
        parser.feed(POST)
        for begin in range(0, len(data), size):
            parser.feed(data[begin : begin + size])
    except ParseError as refused:
        error = f"{type(refused).__name__}: {refused}"
    return bytes(body), parser.is_complete, parser.remaining(), error


@given(STREAM, END, st.integers(1, 60))
def test_both_parsers_read_chunks_alike(chunks: bytes, end: bytes, size: int) -> None:
    assert read(FastParser, chunks + end, size) == read(PythonProtocol, chunks + end, size)


@pytest.mark.parametrize("check", ["_is_valid_token", "_has_invalid_header_chars"])
def test_both_parsers_accept_the_same_characters_in_a_header(check: str) -> None:
    fast: Callable[[bytes], bool] = getattr(FastParser(), check)
    original: Callable[[bytes], bool] = getattr(PythonProtocol(), check)
    for text in (b"", *(prefix + bytes([byte]) for prefix in (b"", b"a") for byte in range(256))):
        assert fast(text) is original(text), text


def test_the_largest_header_takes_less_than_half_the_time() -> None:
    lines = b"".join(b"X-%d: %b\r\n" % (number, b"a" * 8000) for number in range(98))
    header = b"GET / HTTP/1.1\r\nHost: a\r\n" + lines + b"\r\n"

    def seconds(kind: type[PythonProtocol]) -> float:
        parser, started = kind(), perf_counter()
        parser.feed(header)
        assert parser.is_complete
        return perf_counter() - started

    assert min(seconds(FastParser) for _ in range(5)) < min(seconds(PythonProtocol) for _ in range(5)) / 2
