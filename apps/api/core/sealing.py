"""Text that only we can read and nobody can change: cursors, and ids whose key the client may not see.

Encryption with a synthetic IV (Rogaway and Shrimpton, 2006): the tag is HMAC-SHA256 of purpose and text, the
key stream SHAKE-256 of a second key and the tag. The same text for the same purpose gives the same seal.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Final

TAG_BYTES: Final = 16


class Broken(ValueError):
    """This is no seal of ours, or of another purpose."""


class Sealer:
    """Seals for one purpose: what was sealed for another cannot be opened."""

    def __init__(self, secret: str, purpose: str) -> None:
        root = hashlib.sha256(f"anden seal {purpose}\x00{secret}".encode()).digest()
        self._tag_key = hmac.digest(root, b"tag", "sha256")
        self._stream_key = hmac.digest(root, b"stream", "sha256")

    def seal(self, text: str, *, bound_to: str = "") -> str:
        """The sealed text, URL-safe; it opens only with the same `bound_to`."""
        plain = text.encode()
        tag = self._tag(plain, bound_to)
        return base64.urlsafe_b64encode(tag + self._mix(tag, plain)).rstrip(b"=").decode()

    def open(self, sealed: str, *, bound_to: str = "") -> str:
        """The text that was sealed. Raises Broken."""
        try:
            raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Broken from None
        tag, plain = raw[:TAG_BYTES], self._mix(raw[:TAG_BYTES], raw[TAG_BYTES:])
        if not hmac.compare_digest(tag, self._tag(plain, bound_to)):
            raise Broken
        return plain.decode()

    def _tag(self, plain: bytes, bound_to: str) -> bytes:
        bound = bound_to.encode()
        return hmac.digest(self._tag_key, len(bound).to_bytes(8, "big") + bound + plain, "sha256")[:TAG_BYTES]

    def _mix(self, tag: bytes, data: bytes) -> bytes:
        stream = hashlib.shake_256(self._stream_key + tag).digest(len(data))
        return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")
