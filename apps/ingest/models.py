"""Where each source stands, and the records that did not become rows."""

from django.db import models
from django.db.models.functions import Now

from apps.datasets.models import Dataset


class Source(models.Model):
    """A partition of one life of a topic, as read for one dataset, and how far it is stored.

    Ids are the `_source` of rows; 0 is the API's. `epoch` rises with each worker that takes over, and only its
    holder can commit; `owner` is empty when nobody reads; the backend is the owner's session in PostgreSQL.
    `last_error` says why the pipeline is stopped, empty when it is not. `leader_epoch` is the epoch of the leader that
    wrote the log before `next_offset`; empty where Kafka never said. `end_offset` is where the partition ended at
    `end_at`, as the lag exporter saw it; empty before it did. A source without topic id stands for a topic that
    could not be read yet. The attempt is what the successor of a worker that died took up last, records from that
    offset on, and how many times.
    """

    id = models.AutoField(primary_key=True)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="sources")
    topic = models.CharField(max_length=249)
    topic_id = models.CharField(max_length=36, blank=True)
    partition = models.IntegerField()
    next_offset = models.BigIntegerField()
    leader_epoch = models.IntegerField(null=True, blank=True)
    epoch = models.BigIntegerField(db_default=0)
    owner = models.TextField(blank=True, db_default="")
    backend_pid = models.IntegerField(null=True, blank=True)
    backend_start = models.DateTimeField(null=True, blank=True)
    max_at = models.DateTimeField(null=True, blank=True)
    end_offset = models.BigIntegerField(null=True, blank=True)
    end_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True, db_default="")
    attempt_offset = models.BigIntegerField(null=True, blank=True)
    attempt_records = models.IntegerField(db_default=0)
    attempts = models.IntegerField(db_default=0)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("dataset", "topic", "partition", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("dataset", "topic", "topic_id", "partition"), name="one_position_a_partition"
            ),
        )

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


class Quarantine(models.Model):
    """A record that did not become a row: as it came, and why. Never changed, but for its state."""

    class State(models.TextChoices):
        """What became of it."""

        OPEN = "open", "open"
        REPLAYED = "replayed", "replayed"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="quarantine")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="quarantine")
    offset = models.BigIntegerField()
    topic = models.CharField(max_length=249)
    partition = models.IntegerField()
    key = models.BinaryField(null=True)
    value = models.BinaryField(null=True)
    headers = models.JSONField(db_default=[])
    field = models.TextField(blank=True, db_default="")
    reason = models.CharField(max_length=40)
    message = models.TextField()
    sqlstate = models.CharField(max_length=5, blank=True, db_default="")
    contract_version = models.PositiveIntegerField()
    batch_id = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, db_default=State.OPEN)
    timestamp = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "quarantine"
        constraints = (models.UniqueConstraint(fields=("source", "offset"), name="one_quarantine_row_a_record"),)
        indexes = (
            models.Index(fields=("dataset", "state", "-id"), name="ingest_quarantine_dataset"),
            models.Index(fields=("dataset", "reason", "-id"), name="ingest_quarantine_reason"),
        )

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}@{self.offset}: {self.reason}"
