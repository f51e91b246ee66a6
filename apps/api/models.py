"""Clients of the API, their keys, and their grants on datasets."""

from django.db import models
from django.db.models.functions import Now

from apps.datasets.models import Dataset


class Client(models.Model):
    """A third party that uses the API. Revoking it revokes all of its keys."""

    name = models.CharField(max_length=100, unique=True)
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Key(models.Model):
    """A client's API key: its public id, and the SHA-256 of its secret in hex."""

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="keys")
    public_id = models.CharField(max_length=32, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_on = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ("client", "created_at")

    def __str__(self) -> str:
        return f"anden_{self.public_id}_…"


class Grant(models.Model):
    """What a client may do with one dataset.

    `columns` lists the visible fields; NULL means every field that the contract does not restrict.
    """

    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="grants")
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="grants")
    may_read = models.BooleanField(default=True)
    may_write = models.BooleanField(default=False)
    columns = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("client", "dataset")
        constraints = (
            models.UniqueConstraint(fields=("client", "dataset"), name="one_grant_a_dataset"),
            models.CheckConstraint(
                condition=models.Q(may_read=True) | models.Q(may_write=True), name="grant_allows_something"
            ),
        )

    def __str__(self) -> str:
        actions = ",".join(word for word, may in (("read", self.may_read), ("write", self.may_write)) if may)
        return f"{self.dataset}:{actions}"
