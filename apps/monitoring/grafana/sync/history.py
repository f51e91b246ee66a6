"""What was synchronised before: the measure of drift, the way back, and the hashes of secrets."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from apps.monitoring.grafana.sync.objects import GrafanaObject, Manifest, ObjectKey, ObjectKind

KEPT: Final = 10
"""Syncs that one can go back to."""


@dataclass(frozen=True, slots=True)
class SyncRecord:
    """One synchronisation; `number` is None until it is kept. Its manifest has no secrets, only placeholders."""

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
        """When Grafana was last known to hold it: sent then, or found as it was sent."""
        return self.confirmed_at or self.at

    @property
    def effective_number(self) -> int | None:
        """The number of the sync whose manifest this is: its own, or the one that was gone back to."""
        return self.rolled_back_to or self.number

    @property
    def digest(self) -> str:
        """What is equal exactly if the manifests are."""
        text = json.dumps(as_documents(self.manifest), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class SyncHistory(Protocol):
    """Keeps the last syncs of the code, and whatever was sent last."""

    def newest(self) -> SyncRecord | None:
        """What was sent last, be it by a sync or a rollback."""

    def syncs(self) -> Sequence[SyncRecord]:
        """The last syncs of the code, the newest first; at most KEPT."""

    def confirm(self, at: datetime) -> None:
        """Say of what was sent last that Grafana still held it at this time."""

    def record(self, synced: SyncRecord) -> None:
        """Keep it, and forget what is older than the last KEPT."""


def as_documents(manifest: Manifest) -> list[dict[str, Any]]:
    """The manifest as JSON, without secrets."""
    return [
        {"kind": str(item.key.kind), "uid": item.key.uid, "title": item.title, "body": item.body}
        for item in manifest.objects
    ]


def from_documents(documents: Sequence[Mapping[str, Any]]) -> Manifest:
    """The manifest that these documents were made from; its secrets are placeholders again."""
    return Manifest(
        tuple(
            GrafanaObject(ObjectKey(ObjectKind(item["kind"]), item["uid"]), item["title"], item["body"])
            for item in documents
        )
    )
