"""A record's `_id`: its primary key as URL-safe text, encrypted if a column of it is hidden."""

import base64
import binascii
from collections.abc import Sequence
from typing import Final

import msgspec

from apps.api.records.core.literals import literal
from apps.api.records.core.sealer import Sealer, SealInvalid
from apps.datasets.core.column_types.types import ColumnType

PLAIN: Final = "k"
SEALED: Final = "s"
"""The first letter of an id: plaintext or sealed (encrypted)."""
MAX_ID: Final = 7000
"""Characters. Leaves room in the URL for the dataset's name and some field names."""


def read_id(text: str, types: Sequence[ColumnType], *, sealer: Sealer | None, bound_to: str) -> tuple[str, ...] | None:
    """The primary key's values as text, or None if this cannot be a record's id.

    With a sealer, only sealed ids are accepted: plaintext ids would let a client guess hidden values.
    """
    if text[:1] != (SEALED if sealer else PLAIN):
        return None
    try:
        plain = sealer.open(text[1:], bound_to=bound_to) if sealer else _plain(text[1:])
        values = msgspec.json.decode(plain, type=list[str])
        if len(values) != len(types):
            return None
        return tuple(literal(kind, value) for kind, value in zip(types, values, strict=True))
    except (SealInvalid, ValueError, msgspec.MsgspecError):
        return None


def _plain(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise SealInvalid from None
