"""Compresses positions, so that a cursor always fits into a URL.

An index entry holds up to 2,700 bytes after PostgreSQL's compression, and JSON escapes a control character with six. A
URL holds 8,190 bytes, and clients read no longer header. Compression keeps every position below 6,000.
"""

import base64
import zlib
from typing import Final

COMPRESSED: Final = "z"
"""First letter of a compressed position. An uncompressed one starts like JSON."""
UNCOMPRESSED_MAX: Final = 512
"""Positions up to this many characters are not compressed."""


def compress_position(position: str) -> str:
    """The position, compressed if it is long and compression shortens it."""
    if len(position) <= UNCOMPRESSED_MAX:
        return position
    compressed = COMPRESSED + base64.b85encode(zlib.compress(position.encode())).decode()
    return min(compressed, position, key=len)


def decompress_position(text: str) -> str:
    """The original position."""
    if not text.startswith(COMPRESSED):
        return text
    return zlib.decompress(base64.b85decode(text.removeprefix(COMPRESSED))).decode()
