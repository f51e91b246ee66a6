"""Text that only we can read and nobody can change: cursors, and ids whose key the client may not see.

AES-SIV (RFC 5297): the same text for the same purpose gives the same seal, so an id stays what it is.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV


class SealInvalid(ValueError):
    """This is no seal of ours, or of another purpose."""


class Sealer:
    """Seals for one purpose: what was sealed for another cannot be opened."""

    def __init__(self, secret: str, purpose: str, *, former: Sequence[str] = ()) -> None:
        """Seals with the secret; opens what one of the former secrets sealed, too."""
        # The secrets are long and random, so a hash of one is a key.
        self._cipher, *self._former = (
            AESSIV(hashlib.sha512(f"anden seal {purpose}\x00{word}".encode()).digest()) for word in (secret, *former)
        )

    def seal(self, text: str, *, bound_to: str = "") -> str:
        """The sealed text, URL-safe; it opens only with the same `bound_to`."""
        sealed = self._cipher.encrypt(text.encode(), [bound_to.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, sealed: str, *, bound_to: str = "") -> str:
        """The text that was sealed. Raises SealInvalid."""
        try:
            raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise SealInvalid from None
        for cipher in (self._cipher, *self._former):
            with suppress(InvalidTag, ValueError):
                return cipher.decrypt(raw, [bound_to.encode()]).decode()
        raise SealInvalid
