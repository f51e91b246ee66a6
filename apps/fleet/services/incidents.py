"""Incidents: updated from each evaluation, and moved between statuses by people."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from apps.fleet.engine.evaluation import Evaluation
from apps.fleet.errors import TransitionRefused
from apps.fleet.incidents.detections import Detection, DetectionSet, IncidentKey, detections_of, incident_key, severity
from apps.fleet.incidents.lifecycle import RECOVERED, IncidentKind, IncidentStatus, check_transition, thin_history
from apps.fleet.incidents.transitions import (
    RECURRENCE_WINDOW_S,
    IncidentAction,
    IncidentChange,
    StoredIncident,
    incident_changes,
)
from apps.fleet.metrics import OPEN_INCIDENTS
from apps.fleet.models.incidents import Incident, IncidentNote, IncidentSuspicion
from apps.fleet.selectors.incidents import active_incident_counts
from apps.telemetry import prometheus

EVALUATED_KINDS: Final = (IncidentKind.OUTLIER, IncidentKind.FLEET, IncidentKind.ZONE, IncidentKind.NO_DATA)
"""The kinds that an evaluation updates; it leaves the others alone."""
MAX_HISTORY_POINTS: Final = 120
"""Maximum points in an incident's score history."""
SYSTEM: Final = ""
"""The author of automatic changes."""
INCIDENTS_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('anden incidents', 0))"
DETECTION_FIELDS: Final = ("signal", "sentence", "evidence", "score_history", "score", "worst_score", "last_seen_at")
STATUS_FIELDS: Final = ("status", "reason", "quiet_since", "closed_at", "closed_by", "closed_score", "recurrences")


@dataclass(frozen=True, slots=True)
class IncidentUpdateSummary:
    """How many incidents an evaluation opened, reopened, marked quiet and closed; `active` are not closed."""

    opened: int
    reopened: int
    quieted: int
    recovered: int
    active: int


def incidents_record(evaluation: Evaluation, at: datetime) -> IncidentUpdateSummary:
    """Update the incidents from the evaluation at `at`.

    Idempotent; concurrent calls wait for each other. The number of statements does not grow with the fleet.
    """
    if not evaluation.services:
        return _summarize(())
    return incidents_reconcile(detections_of(evaluation), kinds=EVALUATED_KINDS, at=at)


def incidents_reconcile(
    detections: DetectionSet, *, kinds: Iterable[IncidentKind], at: datetime
) -> IncidentUpdateSummary:
    """Reconcile the incidents of these kinds with the detections at `at`: undetected ones become quiet.

    Call this for other kinds of problems, for example data quality, with their own detections.
    """
    with _serialized():
        stored = {incident.pk: incident for incident in _relevant_incidents(kinds, at)}
        pending = _pending(detections.seen, kinds)
        changes = incident_changes(
            [_stored_incident(incident) for incident in stored.values()],
            detections,
            waiting_since={key: one.since.timestamp() for key, one in pending.items()},
            at_s=at.timestamp(),
        )
        _store_pending(
            [change.detection for change in changes if change.action is IncidentAction.WAIT and change.detection],
            pending,
            at,
        )
        _store(changes, stored, at)
    return _summarize(changes)


def _summarize(changes: Sequence[IncidentChange]) -> IncidentUpdateSummary:
    """The summary of these changes; also sets the gauge of active incidents."""
    counts = active_incident_counts()
    for kind in IncidentKind:
        prometheus.gauge(OPEN_INCIDENTS).labels(kind.value).set(counts.get(kind.value, 0))
    acts = [change.action for change in changes]
    return IncidentUpdateSummary(
        opened=acts.count(IncidentAction.OPEN),
        reopened=acts.count(IncidentAction.REOPEN),
        quieted=acts.count(IncidentAction.QUIET),
        recovered=acts.count(IncidentAction.RECOVER),
        active=sum(counts.values()),
    )


def incident_transition(incident_id: int, target: str, *, by: str, reason: str = "", note: str = "") -> Incident:
    """Change the status of an incident, record it in the history, and return the incident.

    Raises TransitionRefused: there is no such transition, its reason or note is missing, or another incident of the
    same subject is already active. Nothing was changed.
    """
    with _serialized():
        incident = Incident.objects.get(pk=incident_id)
        transition = check_transition(incident.status, target, reason=reason, note=note)
        now = timezone.now()
        if transition.source == IncidentStatus.CLOSED:
            _check_no_other_active(incident)
        source = incident.status
        _set_status(incident, target, at=now, by=by, reason=reason if transition.needs == "reason" else "")
        incident.save(update_fields=STATUS_FIELDS)
        IncidentNote.objects.create(
            incident=incident, at=now, by=by, source=source, target=target, reason=incident.reason, note=note.strip()
        )
    return incident


def incidents_acknowledge(incident_ids: Iterable[int], *, by: str) -> int:
    """Acknowledge the open ones; returns how many."""
    with _serialized():
        found = list(Incident.objects.filter(pk__in=incident_ids, status=IncidentStatus.OPEN))
        now = timezone.now()
        for incident in found:
            incident.status = IncidentStatus.ACKNOWLEDGED
        Incident.objects.bulk_update(found, ("status",))
        IncidentNote.objects.bulk_create(
            IncidentNote(
                incident=incident, at=now, by=by, source=IncidentStatus.OPEN, target=IncidentStatus.ACKNOWLEDGED
            )
            for incident in found
        )
    return len(found)


@contextmanager
def _serialized() -> Iterator[None]:
    """A transaction that changes incidents. Others wait for its end, so that none decides on stale rows."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(INCIDENTS_LOCK)
        yield


def _check_no_other_active(incident: Incident) -> None:
    for other in Incident.objects.exclude(status=IncidentStatus.CLOSED).filter(
        kind=incident.kind, subject=incident.subject
    ):
        if incident_key(other.kind, other.subject, other.signal) == _key(incident):
            raise TransitionRefused(f"{other} is already active: continue there")


def _relevant_incidents(kinds: Iterable[IncidentKind], at: datetime) -> Iterable[Incident]:
    """Active incidents, and closed ones that a detection may still continue."""
    recent = at - timedelta(seconds=RECURRENCE_WINDOW_S)
    return Incident.objects.filter(
        ~Q(status=IncidentStatus.CLOSED)
        | Q(closed_at__gte=recent)
        | Q(status=IncidentStatus.CLOSED, last_seen_at__gte=recent),
        kind__in=list(kinds),
    )


def _key(incident: Incident) -> IncidentKey:
    return incident_key(incident.kind, incident.subject, incident.signal)


def _stored_incident(incident: Incident) -> StoredIncident:
    return StoredIncident(
        id=incident.pk,
        kind=incident.kind,
        subject=incident.subject,
        signal=incident.signal,
        status=incident.status,
        reason=incident.reason,
        last_seen_s=incident.last_seen_at.timestamp(),
        quiet_s=incident.quiet_since.timestamp() if incident.quiet_since else None,
        closed_s=incident.closed_at.timestamp() if incident.closed_at else None,
        closed_score=incident.closed_score,
    )


def _pending(seen: Sequence[Detection], kinds: Iterable[IncidentKind]) -> dict[IncidentKey, IncidentSuspicion]:
    """Pending problems that are detected again; the others are deleted."""
    keys = {detection.key for detection in seen}
    suspected = IncidentSuspicion.objects.filter(kind__in=list(kinds))
    found = {incident_key(one.kind, one.subject, one.signal): one for one in suspected}
    gone = [one.pk for key, one in found.items() if key not in keys]
    if gone:
        IncidentSuspicion.objects.filter(pk__in=gone).delete()
    return {key: one for key, one in found.items() if key in keys}


def _store_pending(detections: list[Detection], pending: dict[IncidentKey, IncidentSuspicion], at: datetime) -> None:
    new = [
        IncidentSuspicion(kind=one.kind, subject=one.subject, signal=one.signal, since=at)
        for one in detections
        if one.key not in pending
    ]
    IncidentSuspicion.objects.bulk_create(new, ignore_conflicts=True)


def _store(changes: Sequence[IncidentChange], stored: dict[int, Incident], at: datetime) -> None:
    """Write the changes: new incidents, changed ones, and their history."""
    new, changed, notes = [], [], []
    for change in changes:
        if change.action is IncidentAction.OPEN and change.detection:
            incident = _new_incident(change.detection, at)
            new.append(incident)
            notes.append(
                IncidentNote(incident=incident, at=at, target=IncidentStatus.OPEN, note=change.detection.sentence)
            )
        elif change.known is not None and change.action is not IncidentAction.WAIT:
            incident = stored[change.known.id]
            note = _apply(incident, change, at)
            changed.append(incident)
            notes += [note] if note else []
    Incident.objects.bulk_create(new)
    Incident.objects.bulk_update(changed, (*DETECTION_FIELDS, *STATUS_FIELDS))
    IncidentNote.objects.bulk_create(notes)


def _new_incident(detection: Detection, at: datetime) -> Incident:
    incident = Incident(kind=detection.kind, subject=detection.subject, opened_at=at)
    _update(incident, detection, at)
    return incident


def _apply(incident: Incident, change: IncidentChange, at: datetime) -> IncidentNote | None:
    """Apply the change in memory; returns the history entry, if the change needs one."""
    source = incident.status
    if change.detection is not None:
        if incident.quiet_since is not None and at > incident.last_seen_at:
            incident.recurrences += 1
        _update(incident, change.detection, at)
    if change.action is IncidentAction.QUIET:
        incident.quiet_since = at
    elif change.action is IncidentAction.RECOVER:
        _set_status(incident, IncidentStatus.CLOSED, at=at, by=SYSTEM, reason=RECOVERED)
        since = f"{incident.quiet_since:%Y-%m-%d %H:%M}"
        watched = " Its subject is no longer monitored, so it may not be healthy." if change.is_gone else ""
        note = f"Not detected since {since} UTC.{watched}"
        return IncidentNote(
            incident=incident, at=at, source=source, target=IncidentStatus.CLOSED, reason=RECOVERED, note=note
        )
    elif change.action is IncidentAction.REOPEN:
        closed = incident.get_reason_display()
        _set_status(incident, IncidentStatus.OPEN, at=at, by=SYSTEM, reason="")
        note = f"Detected again after it was closed ({closed}): {incident.sentence}"
        return IncidentNote(incident=incident, at=at, source=source, target=IncidentStatus.OPEN, note=note)
    return None


def _update(incident: Incident, detection: Detection, at: datetime) -> None:
    """Take over the detection, unless a newer one is recorded."""
    if incident.last_seen_at is not None and at <= incident.last_seen_at:
        return
    incident.last_seen_at = at
    incident.quiet_since = None
    incident.signal, incident.sentence, incident.score = detection.signal, detection.sentence, detection.score
    if incident.worst_score is None or detection.severity >= severity(incident.kind, incident.worst_score):
        incident.worst_score = detection.score
    incident.evidence = detection.evidence
    if detection.score is not None:
        incident.score_history = thin_history(
            [*incident.score_history, [at.astimezone(UTC).timestamp(), detection.score]], most=MAX_HISTORY_POINTS
        )


def _set_status(incident: Incident, target: str, *, at: datetime, by: str, reason: str) -> None:
    closed = target == IncidentStatus.CLOSED
    incident.status, incident.reason = target, reason
    incident.closed_at, incident.closed_by = (at, by) if closed else (None, "")
    incident.closed_score = incident.score if closed else None
    if not closed:
        incident.quiet_since = None
