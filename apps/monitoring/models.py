"""What was synchronised with Grafana, so that drift has a measure and a way leads back."""

from django.db import models


class GrafanaSync(models.Model):
    """One synchronisation that changed something, or brought a new manifest.

    `manifest` has every object as it was sent, secrets as their placeholders; `hashes` has a salted hash of each
    secret that was sent. `confirmed_at` is when a later sync found it all as it was sent. `rolled_back_to` is the
    sync whose manifest was sent again, None for a sync of the code.
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
