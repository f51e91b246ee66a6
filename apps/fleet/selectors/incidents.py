"""Incidents: the active ones, the worst of them, and earlier false alarms."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Case, Count, Q, When
from django.db.models.functions import Abs

from apps.fleet.incidents.detections import severity
from apps.fleet.incidents.lifecycle import FALSE_ALARM, IncidentKind, IncidentStatus
from apps.fleet.incidents.transitions import RECURRENCE_WINDOW_S
from apps.fleet.models.incidents import Incident, IncidentNote

REMEMBERED: Final = 500
"""How many false alarms are read at most, newest first."""
KIND_ORDER: Final = (
    IncidentKind.FLEET,
    IncidentKind.ZONE,
    IncidentKind.NO_DATA,
    IncidentKind.OUTLIER,
    IncidentKind.QUALITY,
)
"""Broader kinds first; a silent service may be worse than a slow one."""


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """How often one signal of a service was closed as a false alarm, and when and by whom last."""

    times: int
    last_at: datetime
    last_by: str


def active_incident_counts() -> dict[str, int]:
    """Active incidents by kind; kinds without any are absent."""
    rows = Incident.objects.exclude(status=IncidentStatus.CLOSED).values_list("kind").order_by().annotate(Count("pk"))
    return dict(rows)


def active_incidents(*, most: int, is_quiet: bool | None = None) -> list[Incident]:
    """Active incidents without their evidence: broader kinds first, then the worst; quiet ones last.

    `is_quiet` selects only quiet ones, or only the others.
    """
    rank = Case(*(When(kind=kind, then=place) for place, kind in enumerate(KIND_ORDER)), default=len(KIND_ORDER))
    quiet = Case(When(quiet_since=None, then=0), default=1)
    found = Incident.objects.exclude(status=IncidentStatus.CLOSED).defer("evidence", "score_history")
    if is_quiet is not None:
        found = found.filter(quiet_since__isnull=not is_quiet)
    return list(found.order_by(quiet, rank, Abs("score").desc(nulls_last=True), "pk")[:most])


def current_by_subject(subjects: Iterable[str], now: datetime) -> dict[str, Incident]:
    """The current incident of each of these services: an active one, or a closed one whose flag never left."""
    found = Incident.objects.filter(
        ~Q(status=IncidentStatus.CLOSED) | Q(last_seen_at__gte=now - timedelta(seconds=RECURRENCE_WINDOW_S)),
        subject__in=list(subjects),
        kind__in=(IncidentKind.OUTLIER, IncidentKind.NO_DATA),
    )
    ranked = sorted(found.defer("evidence", "score_history"), key=_rank, reverse=True)
    return {incident.subject: incident for incident in ranked}


def active_by_zone(zones: Iterable[str]) -> dict[str, Incident]:
    """The active incident of each of these zones."""
    found = Incident.objects.exclude(status=IncidentStatus.CLOSED).filter(
        kind=IncidentKind.ZONE, subject__in=list(zones)
    )
    return {incident.subject: incident for incident in found.defer("evidence", "score_history")}


def incidents_of(subject: str, *, most: int) -> list[Incident]:
    """The last incidents of this subject, newest first."""
    return list(Incident.objects.filter(subject=subject).defer("evidence", "score_history")[:most])


def false_alarms(subjects: Iterable[str]) -> dict[tuple[str, str], FalseAlarms]:
    """The false alarms of these services, by service and signal.

    They are read from the history, so they survive reopening the incident.
    """
    closings = IncidentNote.objects.filter(
        reason=FALSE_ALARM, target=IncidentStatus.CLOSED, incident__subject__in=list(subjects)
    )
    notes = closings.select_related("incident").order_by("-at", "-pk")
    found: dict[tuple[str, str], FalseAlarms] = {}
    for note in notes.only("at", "by", "incident__subject", "incident__signal", "incident__evidence")[:REMEMBERED]:
        incident = note.incident
        signals = {flag["signal"] for flag in incident.evidence.get("flags", ())} | {incident.signal}
        for signal in signals:
            one = found.get((incident.subject, signal))
            found[incident.subject, signal] = FalseAlarms(
                times=one.times + 1 if one else 1,
                last_at=one.last_at if one else note.at,
                last_by=one.last_by if one else note.by,
            )
    return found


def _rank(incident: Incident) -> tuple[bool, bool, int, float, int]:
    """Closed incidents last, then quiet ones, whatever their kind."""
    kind = IncidentKind(incident.kind)
    return (
        incident.status == IncidentStatus.CLOSED,
        incident.quiet_since is not None,
        KIND_ORDER.index(kind),
        -severity(kind, incident.score),
        incident.pk,
    )
