"""API keys: generated, parsed and compared."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Final

KEY: Final = re.compile(r"anden_(?P<public_id>[0-9a-f]{16})_(?P<secret>[0-9a-f]{64})")
"""Hex only: a double click selects the complete key, and nothing needs escaping."""

NO_HASH: Final = "0" * 64
"""Compared with if the key is unknown, so that it takes as long as a wrong secret."""


@dataclass(frozen=True, slots=True)
class KeyText:
    """The public id and the secret of a key, as a client sends them."""

    public_id: str
    secret: str

    def __str__(self) -> str:
        return f"anden_{self.public_id}_{self.secret}"

    @property
    def sha256(self) -> str:
        """The stored hash of the secret. 256 random bits do not need a slow hash."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def matches(self, sha256: str | None) -> bool:
        """Whether the secret matches the stored hash, compared in constant time; False for None."""
        same = hmac.compare_digest(self.sha256, sha256 or NO_HASH)
        return same and sha256 is not None


def new_key() -> KeyText:
    """A new random key."""
    return KeyText(secrets.token_hex(8), secrets.token_hex(32))


def parse_authorization(header: str) -> KeyText | None:
    """The key in an Authorization header, or None."""
    scheme, _, text = header.partition(" ")
    match = KEY.fullmatch(text.strip()) if scheme.lower() == "bearer" else None
    return KeyText(match["public_id"], match["secret"]) if match else None
