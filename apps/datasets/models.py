"""The catalogue and the ledger: the datasets, their contracts, and what was committed when."""

from django.db import models
from django.db.models.functions import Now


class Dataset(models.Model):
    """A dataset with an applied contract; its rows are in `data."<name>"`.

    `version` is the current contract version; `event_time`, `earliest` and `latest` repeat the contract's bounds for
    the function that creates partitions.
    """

    name = models.CharField(max_length=63, unique=True)
    version = models.PositiveIntegerField()
    event_time = models.CharField(max_length=63, blank=True)
    earliest = models.DateField(null=True, blank=True)
    latest = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ContractVersion(models.Model):
    """One applied contract.

    `document` is its JSON as text, in the author's order (jsonb would sort the keys); the fingerprint makes a second
    apply a no-op.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    document = models.TextField()
    fingerprint = models.CharField(max_length=64)
    applied_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("dataset", "-version")
        constraints = (models.UniqueConstraint(fields=("dataset", "version"), name="one_contract_per_version"),)

    def __str__(self) -> str:
        return f"{self.dataset} version {self.version}"


class Batch(models.Model):
    """A row of the ledger: what one transaction took from one source. Partitioned by day, created by a migration.

    Offsets are Kafka's, both inclusive; `rows` and `rejects` count records, `bytes` their values; times are UTC.
    """

    pk = models.CompositePrimaryKey("day", "id")
    day = models.DateField()
    id = models.BigIntegerField()
    dataset_id = models.BigIntegerField()
    version = models.IntegerField()
    source_id = models.IntegerField()
    first_offset = models.BigIntegerField()
    last_offset = models.BigIntegerField()
    rows = models.IntegerField()
    rejects = models.IntegerField()
    bytes = models.BigIntegerField()
    min_event_time = models.DateTimeField(null=True)
    max_event_time = models.DateTimeField(null=True)
    worker = models.TextField()
    xid = models.TextField()
    committed_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "datasets_batch"

    def __str__(self) -> str:
        return f"batch {self.id} of {self.day}"
