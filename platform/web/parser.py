"""gunicorn's Python parser, faster where a client could keep it busy and block the event loop.

gunicorn checks each character of a header in a loop, and handles each chunk of a body separately. This parser accepts
the same input and leaves everything irregular to gunicorn.
"""

import re
from typing import Final

from gunicorn.asgi.parser import PythonProtocol
from gunicorn.http.body import CHUNK_EXT_RE

NO_TOKEN: Final = re.compile(rb'[^\x21-\x7e]|["(),/:;<=>?@\[\\\]{}]')
NO_VALUE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
CHUNK_SIZE: Final = re.compile(rb"([0-9a-fA-F]{1,8})(?:(?=[ \t]*;)" + CHUNK_EXT_RE.pattern + rb")?\r\n")


class FastParser(PythonProtocol):  # type: ignore[misc]
    """The parser of one connection."""

    _chunk_state: str
    _chunk_remaining: int
    _scan_from: int

    def _is_valid_token(self, data: bytes) -> bool:
        return bool(data) and NO_TOKEN.search(data) is None

    def _has_invalid_header_chars(self, value: bytes) -> bool:
        return NO_VALUE.search(value) is not None

    def _parse_chunked_body(self) -> bool:
        self._finish_started_chunk()
        if self._chunk_state == "size":
            self._take_complete_chunks()
        return bool(super()._parse_chunked_body())

    def _finish_started_chunk(self) -> None:
        """Pass on the rest of the current chunk, if it is complete."""
        left = {"data": self._chunk_remaining, "crlf": 0}.get(self._chunk_state)
        if left is not None and self._buffer[left : left + 2] == b"\r\n":
            self._on_body(bytes(self._buffer[:left]))
            del self._buffer[: left + 2]
            self._chunk_remaining, self._chunk_state = 0, "size"

    def _take_complete_chunks(self) -> None:
        """Pass on all complete chunks together."""
        pieces, taken = [], 0
        while line := CHUNK_SIZE.match(self._buffer, taken):
            begin, end = line.end(), line.end() + int(line[1], 16)
            if begin == end or self._buffer[end : end + 2] != b"\r\n":
                break
            pieces.append(bytes(self._buffer[begin:end]))
            taken = end + 2
        if pieces:
            del self._buffer[:taken]
            self._scan_from = 0
            self._on_body(b"".join(pieces))
