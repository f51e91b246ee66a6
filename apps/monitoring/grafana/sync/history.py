"""Past syncs: the baseline for drift and rollback, and the hashes of secrets."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from apps.monitoring.grafana.sync.objects import GrafanaObject, Manifest, ObjectKey, ObjectKind

MAX_SYNCS: Final = 10
"""Syncs available for rollback."""


@dataclass(frozen=True, slots=True)
class SyncRecord:
    """One sync; `number` is None until it is stored. Its manifest has placeholders instead of secrets."""

    at: datetime
    revision: str
    manifest: Manifest
    hashes: Mapping[str, str] = field(default_factory=dict)
    changes: int = 0
    rolled_back_to: int | None = None
    number: int | None = None
    confirmed_at: datetime | None = None

    @property
    def in_sync_at(self) -> datetime:
        """When Grafana was last known to match it: when it was sent or confirmed."""
        return self.confirmed_at or self.at

    @property
    def effective_number(self) -> int | None:
        """The number of the sync whose manifest this is: its own, or the target of the rollback."""
        return self.rolled_back_to or self.number

    @property
    def digest(self) -> str:
        """A digest of the manifest."""
        text = json.dumps(as_documents(self.manifest), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class SyncHistory(Protocol):
    """Stores the last syncs of the code, and the last rollback."""

    def newest(self) -> SyncRecord | None:
        """The last sync or rollback, or None."""

    def syncs(self) -> Sequence[SyncRecord]:
        """The last syncs of the code without rollbacks, newest first; at most MAX_SYNCS."""

    def confirm(self, at: datetime) -> None:
        """Note that Grafana still matched the newest record at this time."""

    def record(self, synced: SyncRecord) -> None:
        """Store it and delete syncs older than the last MAX_SYNCS."""


def as_documents(manifest: Manifest) -> list[dict[str, Any]]:
    """The manifest as JSON, without secrets."""
    return [
        {"kind": str(item.key.kind), "uid": item.key.uid, "title": item.title, "body": item.body}
        for item in manifest.objects
    ]


def from_documents(documents: Sequence[Mapping[str, Any]]) -> Manifest:
    """The manifest of these documents, with placeholders instead of secrets."""
    return Manifest(
        tuple(
            GrafanaObject(ObjectKey(ObjectKind(item["kind"]), item["uid"]), item["title"], item["body"])
            for item in documents
        )
    )
