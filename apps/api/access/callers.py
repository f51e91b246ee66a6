"""An API key with its client, grants and contract versions, in one query prepared once per connection."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from apps.api.prepared_statements import fetch_prepared

SQL: Final = """
SELECT k.secret_sha256, k.revoked_at IS NULL AND c.revoked_at IS NULL, c.id, c.name, k.id, k.last_used_on,
       d.name, d.id, d.version, g.may_read, g.may_write, g.columns::text
  FROM public.api_key AS k
  JOIN public.api_client AS c ON c.id = k.client_id
  LEFT JOIN public.api_grant AS g ON g.client_id = c.id
  LEFT JOIN public.datasets_dataset AS d ON d.id = g.dataset_id
 WHERE k.public_id = %s
"""
"""Raw SQL: the ORM takes longer to compile this query than PostgreSQL to run it."""


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One grant, with its dataset's current contract version."""

    dataset: str
    dataset_id: int
    version: int
    may_read: bool
    may_write: bool
    columns: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A stored key; `active` unless the key or its client is revoked."""

    secret_sha256: str
    active: bool
    client_id: int
    client: str
    key_id: int
    last_used_on: date | None
    grants: Sequence[GrantRow]


def key_row(public_id: str) -> KeyRow | None:
    """The key with this public id, or None."""
    rows = fetch_prepared("default", SQL, (public_id,))
    if not rows:
        return None
    grants = [
        GrantRow(dataset, dataset_id, version, may_read, may_write, _columns(columns))
        for *_, dataset, dataset_id, version, may_read, may_write, columns in rows
        if dataset is not None
    ]
    secret_sha256, active, client_id, client, key_id, last_used_on, *_ = rows[0]
    return KeyRow(secret_sha256, active, client_id, client, key_id, last_used_on, grants)


def _columns(text: str | None) -> tuple[str, ...] | None:
    found = None if text is None else json.loads(text)
    return None if found is None else tuple(found)
