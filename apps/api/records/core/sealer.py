"""Encrypts and authenticates cursors, and ids that contain a hidden key column.

AES-SIV (RFC 5297) is deterministic: the same text and purpose give the same sealed text, so ids are stable.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV


class SealInvalid(ValueError):
    """Not sealed with our secret, or for another purpose."""


class Sealer:
    """Seals text for one purpose. Text sealed for another purpose cannot be opened."""

    def __init__(self, secret: str, purpose: str, *, former: Sequence[str] = ()) -> None:
        """Seal with `secret`; also open what a former secret sealed."""
        # The secrets are long and random, so a plain hash is a safe key derivation.
        self._cipher, *self._former = (
            AESSIV(hashlib.sha512(f"anden seal {purpose}\x00{key}".encode()).digest()) for key in (secret, *former)
        )

    def seal(self, text: str, *, bound_to: str = "") -> str:
        """The sealed text, URL-safe. It opens only with the same `bound_to`."""
        sealed = self._cipher.encrypt(text.encode(), [bound_to.encode()])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, sealed: str, *, bound_to: str = "") -> str:
        """The original text. Raises SealInvalid."""
        try:
            raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise SealInvalid from None
        for cipher in (self._cipher, *self._former):
            with suppress(InvalidTag, ValueError):
                return cipher.decrypt(raw, [bound_to.encode()]).decode()
        raise SealInvalid
