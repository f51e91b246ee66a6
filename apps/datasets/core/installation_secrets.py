"""The secrets that a station draws for itself: their names in Secrets Manager, and their texts."""

import json
import secrets
import string
import uuid
from dataclasses import dataclass
from typing import Final

PASSWORD_LENGTH: Final = 48
KEY_LENGTH: Final = 64
FIRST: Final = "first"
"""The order by which a secret gets its first value; each rotation has an order of its own."""

_LETTERS: Final = string.ascii_letters + string.digits
_NAMESPACE: Final = uuid.UUID("6f0b4b0e-6d2e-4a57-9a50-0d6d0d1c5a17")


@dataclass(frozen=True, slots=True)
class InstallationSecret:
    """A secret of the station: a database role's, if it has a user's name, or a key."""

    name: str
    username: str | None = None

    def generate(self) -> str:
        """A new value, as whoever reads the secret wants it: letters and digits, so that no URL misreads them."""
        if self.username is None:
            return _text(KEY_LENGTH)
        return json.dumps({"username": self.username, "password": _text(PASSWORD_LENGTH)})


def installation_secrets(station: str, *, roles: list[str], keys: list[str]) -> list[InstallationSecret]:
    """The secrets as Terraform names them: STATION/postgres/ROLE, and STATION/KEY."""
    of_roles = [InstallationSecret(f"{station}/postgres/{role}", f"anden_{role}") for role in roles]
    return of_roles + [InstallationSecret(f"{station}/{key}") for key in keys]


def version_id(arn: str, order: str) -> str:
    """The id of the version that this order makes of the secret: the same for all who follow the same order."""
    return str(uuid.uuid5(_NAMESPACE, f"{arn} {order}"))


def _text(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
