"""The secrets that an installation generates for itself: their names in Secrets Manager, and their values."""

import json
import secrets
import string
import uuid
from dataclasses import dataclass
from typing import Final

PASSWORD_LENGTH: Final = 48
KEY_LENGTH: Final = 64
FIRST: Final = "first"
"""The order that creates a secret's first value; each rotation has its own order."""

_LETTERS: Final = string.ascii_letters + string.digits
_NAMESPACE: Final = uuid.UUID("6f0b4b0e-6d2e-4a57-9a50-0d6d0d1c5a17")


@dataclass(frozen=True, slots=True)
class InstallationSecret:
    """A secret: a database role's if it has a user name, otherwise a key."""

    name: str
    username: str | None = None

    def generate(self) -> str:
        """A new value in the form its readers expect: letters and digits, which need no escaping in URLs."""
        if self.username is None:
            return _text(KEY_LENGTH)
        return json.dumps({"username": self.username, "password": _text(PASSWORD_LENGTH)})


def installation_secrets(station: str, *, roles: list[str], keys: list[str]) -> list[InstallationSecret]:
    """The secrets as Terraform names them: INSTALLATION/postgres/ROLE, and INSTALLATION/KEY."""
    of_roles = [InstallationSecret(f"{station}/postgres/{role}", f"anden_{role}") for role in roles]
    return of_roles + [InstallationSecret(f"{station}/{key}") for key in keys]


def version_id(arn: str, order: str) -> str:
    """The id of the secret version that this order creates: identical for all runs of the same order."""
    return str(uuid.uuid5(_NAMESPACE, f"{arn} {order}"))


def _text(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
