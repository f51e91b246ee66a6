"""Raw requests over a socket, and responses read by a strict client."""

import json
import select
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 30.0


class Closed(Exception):
    """The server closed the connection before the response was complete."""


@dataclass(frozen=True)
class RawResponse:
    """A complete response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> dict[str, Any]:
        """The problem in the body."""
        assert self.headers["content-type"] == "application/problem+json"
        found: dict[str, Any] = json.loads(self.body)
        return found


class RawConnection:
    """One connection to the server."""

    def __init__(self, connection: socket.socket, file: BufferedReader) -> None:
        self.connection = connection
        self._file = file

    def send(self, text: str | bytes) -> None:
        """Send these bytes."""
        self.connection.sendall(text.encode("latin-1") if isinstance(text, str) else text)

    def answer(self, *, to_head: bool = False) -> RawResponse:
        """The next response. Raises Closed."""
        try:
            status = self._file.readline()
            if not status.endswith(b"\r\n"):
                raise Closed
            headers = dict(self._headers())
            number = int(status.split()[1])
            body = b"" if to_head or number < 200 else self._body(headers)
        except ConnectionError:
            raise Closed from None
        return RawResponse(number, headers, body)

    def ask(self, text: str | bytes) -> RawResponse:
        """Send these bytes; return the next response."""
        self.send(text)
        return self.answer()

    def seconds_until_closed(self) -> float:
        """Wait until the server has closed the connection, even with unread data; return the seconds."""
        started = time.monotonic()
        poll = select.poll()
        poll.register(self.connection, select.POLLRDHUP)
        assert poll.poll(PATIENCE_S * 1000), "the server keeps the connection open"
        return time.monotonic() - started

    def _headers(self) -> Iterator[tuple[str, str]]:
        while (line := self._file.readline()) != b"\r\n":
            if not line:
                raise Closed
            name, _, value = line.decode("latin-1").partition(":")
            yield name.lower(), value.strip()

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            return b"".join(self._chunks())
        if "content-length" in headers:
            return self._exactly(int(headers["content-length"]))
        return self._file.read()

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self._exact_line(), 16):
            yield self._exactly(size)
            self._exact_line()
        self._exact_line()

    def _exact_line(self) -> bytes:
        line = self._file.readline()
        if not line.endswith(b"\r\n"):
            raise Closed
        return line

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise Closed
        return data


@contextmanager
def line(url: str, *, buffer_bytes: int = 0) -> Iterator[RawConnection]:
    """A connection to the server with this URL."""
    parts = urlsplit(url)
    with socket.socket() as connection:
        if buffer_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        connection.settimeout(PATIENCE_S)
        connection.connect((parts.hostname, parts.port))
        with connection.makefile("rb") as file:
            yield RawConnection(connection, file)


def get(path: str, *lines: str, version: str = "1.1") -> str:
    """A request without a body."""
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: 127.0.0.1", *lines, "", ""])


def post(path: str, body: str, *lines: str) -> str:
    """A request with a JSON body; the header lines set its length."""
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *lines]
    return "\r\n".join([*head, "", body])
