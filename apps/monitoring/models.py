"""The history of Grafana syncs, for drift and rollback."""

from django.db import models


class GrafanaSync(models.Model):
    """One sync that changed Grafana or had a new manifest.

    `manifest` has every object as sent, with placeholders for secrets, and `hashes` a salted hash of each secret.
    `confirmed_at` is when a later sync found nothing to change. `rolled_back_to` is the id of the sync that a rollback
    applied, None for a sync of the code.
    """

    at = models.DateTimeField()
    revision = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    manifest = models.JSONField()
    hashes = models.JSONField(db_default={})
    changes = models.PositiveIntegerField(db_default=0)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    rolled_back_to = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.id}: {self.revision} at {self.at:%Y-%m-%d %H:%M}"
