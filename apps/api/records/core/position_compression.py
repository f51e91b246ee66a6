"""A position as a cursor carries it: short enough for an address, whatever texts it is made of.

PostgreSQL keeps in 2,700 bytes of an index what compresses to them, and JSON writes a control character with six; an
address has room for 8,190, and clients read no longer header. So a long position is compressed, which makes it less
than 6,000.
"""

import base64
import zlib
from typing import Final

PACKED: Final = "z"
"""The first letter of a compressed position; one that is not begins as JSON does."""
SHORT: Final = 512
"""Characters that are left as they are."""


def compress_position(position: str) -> str:
    """The position, compressed where that makes a long one shorter."""
    if len(position) <= SHORT:
        return position
    short = PACKED + base64.b85encode(zlib.compress(position.encode())).decode()
    return min(short, position, key=len)


def decompress_position(text: str) -> str:
    """The position that was compress_position."""
    if not text.startswith(PACKED):
        return text
    return zlib.decompress(base64.b85decode(text.removeprefix(PACKED))).decode()
