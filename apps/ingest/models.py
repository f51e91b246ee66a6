"""Positions of sources, and quarantined records."""

from django.db import models
from django.db.models.functions import Now

from apps.datasets.models import Dataset


class Source(models.Model):
    """A partition, under one topic id, as read for one dataset, and its position.

    The id is the `_source` of rows; 0 is the API. `epoch` increases with each worker that takes over; only a worker
    with the current epoch can commit. `owner` is empty if no worker reads the source; the backend columns identify the
    owner's PostgreSQL session. `last_error` is why the pipeline is stopped, empty if it runs. `leader_epoch` belongs
    to the record before `next_offset`; null if Kafka never reported it. `end_offset` is the partition's end at
    `end_at`, as the lag exporter last saw it. A source without topic id belongs to a topic that could not be read yet.
    The attempt is what the successor of a crashed worker last tried: records from that offset on, and how often.
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
        verbose_name = "position"
        ordering = ("dataset", "topic", "partition", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("dataset", "topic", "topic_id", "partition"), name="one_position_a_partition"
            ),
        )

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


class Quarantine(models.Model):
    """A raw record that did not become a row, and why. Only its state ever changes.

    `faults` lists every fault as {field, reason, message}, the first of which field, reason and message repeat; empty
    in rows of releases that stored only the first.
    """

    class State(models.TextChoices):
        """How the record was handled. Nothing sets `replayed` yet."""

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
    faults = models.JSONField(blank=True, db_default=[])
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
