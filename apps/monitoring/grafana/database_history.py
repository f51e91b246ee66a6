"""The sync history in PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from apps.monitoring.grafana.sync.history import MAX_SYNCS, SyncRecord, as_documents, from_documents
from apps.monitoring.models import GrafanaSync


class DatabaseSyncHistory:
    """Stores the last syncs as rows."""

    def newest(self) -> SyncRecord | None:
        """The last sync or rollback, or None."""
        row = GrafanaSync.objects.first()
        return _synced(row) if row else None

    def syncs(self) -> Sequence[SyncRecord]:
        """The last syncs of the code without rollbacks, newest first; at most MAX_SYNCS."""
        return [_synced(row) for row in GrafanaSync.objects.filter(rolled_back_to=None)[:MAX_SYNCS]]

    def confirm(self, at: datetime) -> None:
        """Note that Grafana still matched the newest record at this time."""
        newest = GrafanaSync.objects.first()
        if newest:
            GrafanaSync.objects.filter(id=newest.id).update(confirmed_at=at)

    @transaction.atomic
    def record(self, synced: SyncRecord) -> None:
        """Store it and delete syncs older than the last MAX_SYNCS."""
        row = GrafanaSync.objects.create(
            at=synced.at,
            revision=synced.revision,
            digest=synced.digest,
            manifest=as_documents(synced.manifest),
            hashes=dict(synced.hashes),
            changes=synced.changes,
            rolled_back_to=synced.rolled_back_to,
        )
        kept = list(GrafanaSync.objects.filter(rolled_back_to=None).values_list("id", flat=True)[:MAX_SYNCS])
        GrafanaSync.objects.exclude(id__in=[*kept, row.id]).delete()


def _synced(row: GrafanaSync) -> SyncRecord:
    return SyncRecord(
        at=row.at,
        revision=row.revision,
        manifest=from_documents(row.manifest),
        hashes=row.hashes,
        changes=row.changes,
        rolled_back_to=row.rolled_back_to,
        number=row.id,
        confirmed_at=row.confirmed_at,
    )
