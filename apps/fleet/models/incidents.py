"""Incidents: problems someone must investigate, and their history."""

from django.db import models
from django.db.models import Q

from apps.fleet.incidents.lifecycle import CLOSE_REASONS, IncidentKind, IncidentStatus

ACTIVE = ~Q(status=IncidentStatus.CLOSED.value)
ACTIVE_BY_SUBJECT = ACTIVE & ~Q(kind=IncidentKind.QUALITY.value)


class Incident(models.Model):
    """One problem of one subject, from its first flag until it is closed.

    `signal`, `score`, `sentence` and `evidence` are those of the last detection; `score_history` holds points of
    (epoch s, score). `quiet_since` is set while nothing is detected; `closed_score` is the score when it was closed.
    """

    kind = models.CharField(max_length=16, choices=[(kind.value, kind.words) for kind in IncidentKind])
    subject = models.CharField(max_length=250)
    signal = models.CharField(max_length=64, blank=True)
    status = models.CharField(
        max_length=16,
        choices=[(status.value, status.value) for status in IncidentStatus],
        default=IncidentStatus.OPEN.value,
    )
    reason = models.CharField(
        max_length=16, choices=[(reason.name, reason.title) for reason in CLOSE_REASONS], blank=True, default=""
    )
    sentence = models.TextField()
    evidence = models.JSONField(default=dict)
    score_history = models.JSONField(default=list)
    score = models.FloatField(null=True)
    worst_score = models.FloatField(null=True)
    closed_score = models.FloatField(null=True)
    opened_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    quiet_since = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True, default="")
    recurrences = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-opened_at", "-id")
        db_table = "monitoring_incident"
        constraints = (
            models.UniqueConstraint(
                fields=("kind", "subject", "signal"), condition=ACTIVE, name="one_active_incident"
            ),
            models.UniqueConstraint(
                fields=("kind", "subject"), condition=ACTIVE_BY_SUBJECT, name="one_active_incident_per_subject"
            ),
        )
        indexes = (
            models.Index(fields=("status", "-opened_at"), name="monitoring_incident_status"),
            models.Index(fields=("subject", "-opened_at"), name="monitoring_incident_subject"),
            models.Index(fields=("closed_at",), name="monitoring_incident_closed"),
        )

    @property
    def display_subject(self) -> str:
        """The subject's display name."""
        return f"Zone {self.subject}" if self.kind == IncidentKind.ZONE else self.subject

    def __str__(self) -> str:
        return f"#{self.pk} {self.display_subject}"


class IncidentNote(models.Model):
    """One entry of an incident's history; `by` is a login, empty for Andén itself."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="notes")
    at = models.DateTimeField()
    by = models.CharField(max_length=150, blank=True, default="")
    source = models.CharField(max_length=16, blank=True, default="")
    target = models.CharField(max_length=16)
    reason = models.CharField(
        max_length=16, choices=[(reason.name, reason.title) for reason in CLOSE_REASONS], blank=True, default=""
    )
    note = models.TextField(blank=True, default="")

    class Meta:
        ordering = ("id",)
        db_table = "monitoring_incidentnote"

    def __str__(self) -> str:
        return f"{self.source or 'new'} → {self.target}"


class IncidentSuspicion(models.Model):
    """A detected problem that has not persisted long enough to be an incident."""

    kind = models.CharField(max_length=16)
    subject = models.CharField(max_length=250)
    signal = models.CharField(max_length=64, blank=True)
    since = models.DateTimeField()

    class Meta:
        db_table = "monitoring_incidentsuspicion"
        constraints = (models.UniqueConstraint(fields=("kind", "subject", "signal"), name="one_suspicion"),)

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject}"
