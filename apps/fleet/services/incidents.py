"""Incidents: recorded from what the fleet's evaluation saw, and moved from stage to stage by people."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from apps.fleet.engine.evaluation import Evaluation
from apps.fleet.errors import StageRefused
from apps.fleet.incidents.detections import Key, Sighting, Sightings, badness, key_of, sightings_of
from apps.fleet.incidents.lifecycle import RECOVERED, Kind, Stage, move_checked, thinned
from apps.fleet.incidents.transitions import CALM_S, Act, Change, Known, changes
from apps.fleet.metrics import INCIDENTS_OPEN
from apps.fleet.models.incidents import Incident, IncidentNote, IncidentSuspicion
from apps.fleet.selectors.incidents import live_counts
from apps.telemetry import prometheus

FED_BY_FLEET: Final = (Kind.OUTLIER, Kind.FLEET, Kind.ZONE, Kind.NO_DATA)
"""Kinds that an evaluation of the fleet speaks about; the others are left alone by it."""
TRAIL: Final = 120
"""Points that the trail of an incident holds at most."""
SYSTEM: Final = ""
"""Who acts when no person does."""
ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtextextended('anden incidents', 0))"
SEEN_FIELDS: Final = ("signal", "sentence", "evidence", "trail", "score", "worst_score", "last_seen_at")
STATE_FIELDS: Final = ("stage", "reason", "quiet_since", "closed_at", "closed_by", "closed_score", "returns")


@dataclass(frozen=True, slots=True)
class IncidentsChanged:
    """How many incidents one look at the fleet opened, reopened, found quiet and closed; `live` are not closed."""

    opened: int
    reopened: int
    quieted: int
    recovered: int
    live: int


def incidents_record(evaluation: Evaluation, at: datetime) -> IncidentsChanged:
    """Bring the incidents up to what was seen at `at`, and say what changed.

    The same evaluation twice changes nothing the second time, and two at once wait for each other. The number of
    statements does not grow with the fleet.
    """
    if not evaluation.services:
        return _changed_by(())
    return incidents_see(sightings_of(evaluation), kinds=FED_BY_FLEET, at=at)


def incidents_see(sightings: Sightings, *, kinds: Iterable[Kind], at: datetime) -> IncidentsChanged:
    """Bring the incidents of these kinds up to what was seen at `at`: what is not among the sightings is gone.

    Whoever knows of another kind of trouble, the quality of data say, calls this with its own.
    """
    with _one_at_a_time():
        stored = {incident.pk: incident for incident in _concerned(kinds, at)}
        waiting = _waiting(sightings.seen, kinds)
        made = changes(
            [_known(incident) for incident in stored.values()],
            sightings,
            waiting_since={key: one.since.timestamp() for key, one in waiting.items()},
            at_s=at.timestamp(),
        )
        _keep_waiting([change.sighting for change in made if change.act is Act.WAIT and change.sighting], waiting, at)
        _store(made, stored, at)
    return _changed_by(made)


def _changed_by(made: Sequence[Change]) -> IncidentsChanged:
    """What these changes come to; the gauge of live incidents is set."""
    counts = live_counts()
    for kind in Kind:
        prometheus.gauge(INCIDENTS_OPEN).labels(kind.value).set(counts.get(kind.value, 0))
    acts = [change.act for change in made]
    return IncidentsChanged(
        opened=acts.count(Act.OPEN),
        reopened=acts.count(Act.REOPEN),
        quieted=acts.count(Act.QUIET),
        recovered=acts.count(Act.RECOVER),
        live=sum(counts.values()),
    )


def incident_move(incident_id: int, target: str, *, by: str, reason: str = "", note: str = "") -> Incident:
    """Take an incident to another stage, with a line in its history, and return it.

    Raises StageRefused: the move is none of the table, what it needs is missing, or another incident of the same
    subject is live already. Nothing was changed.
    """
    with _one_at_a_time():
        incident = Incident.objects.get(pk=incident_id)
        move = move_checked(incident.stage, target, reason=reason, note=note)
        now = timezone.now()
        if move.source == Stage.CLOSED:
            _only_one(incident)
        source = incident.stage
        _set_stage(incident, target, at=now, by=by, reason=reason if move.needs == "reason" else "")
        incident.save(update_fields=STATE_FIELDS)
        IncidentNote.objects.create(
            incident=incident, at=now, by=by, source=source, target=target, reason=incident.reason, note=note.strip()
        )
    return incident


def incidents_acknowledge(incident_ids: Iterable[int], *, by: str) -> int:
    """Acknowledge those that are open, and say how many those were."""
    with _one_at_a_time():
        found = list(Incident.objects.filter(pk__in=incident_ids, stage=Stage.OPEN))
        now = timezone.now()
        for incident in found:
            incident.stage = Stage.ACKNOWLEDGED
        Incident.objects.bulk_update(found, ("stage",))
        IncidentNote.objects.bulk_create(
            IncidentNote(incident=incident, at=now, by=by, source=Stage.OPEN, target=Stage.ACKNOWLEDGED)
            for incident in found
        )
    return len(found)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """A transaction that changes incidents; the next waits for its end, so that nobody decides on what is old."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(ONE_AT_A_TIME)
        yield


def _only_one(incident: Incident) -> None:
    for other in Incident.objects.exclude(stage=Stage.CLOSED).filter(kind=incident.kind, subject=incident.subject):
        if key_of(other.kind, other.subject, other.signal) == _key(incident):
            raise StageRefused(f"{other} is live already: go on there")


def _concerned(kinds: Iterable[Kind], at: datetime) -> Iterable[Incident]:
    """Live incidents, and the closed ones that what is seen now may still belong to."""
    recent = at - timedelta(seconds=CALM_S)
    return Incident.objects.filter(
        ~Q(stage=Stage.CLOSED) | Q(closed_at__gte=recent) | Q(stage=Stage.CLOSED, last_seen_at__gte=recent),
        kind__in=list(kinds),
    )


def _key(incident: Incident) -> Key:
    return key_of(incident.kind, incident.subject, incident.signal)


def _known(incident: Incident) -> Known:
    return Known(
        id=incident.pk,
        kind=incident.kind,
        subject=incident.subject,
        signal=incident.signal,
        stage=incident.stage,
        reason=incident.reason,
        last_seen_s=incident.last_seen_at.timestamp(),
        quiet_s=incident.quiet_since.timestamp() if incident.quiet_since else None,
        closed_s=incident.closed_at.timestamp() if incident.closed_at else None,
        closed_score=incident.closed_score,
    )


def _waiting(seen: Sequence[Sighting], kinds: Iterable[Kind]) -> dict[Key, IncidentSuspicion]:
    """What was suspected so far and is seen again; the rest is forgotten."""
    keys = {sighting.key for sighting in seen}
    suspected = IncidentSuspicion.objects.filter(kind__in=list(kinds))
    found = {key_of(one.kind, one.subject, one.signal): one for one in suspected}
    gone = [one.pk for key, one in found.items() if key not in keys]
    if gone:
        IncidentSuspicion.objects.filter(pk__in=gone).delete()
    return {key: one for key, one in found.items() if key in keys}


def _keep_waiting(sightings: list[Sighting], waiting: dict[Key, IncidentSuspicion], at: datetime) -> None:
    new = [
        IncidentSuspicion(kind=one.kind, subject=one.subject, signal=one.signal, since=at)
        for one in sightings
        if one.key not in waiting
    ]
    IncidentSuspicion.objects.bulk_create(new, ignore_conflicts=True)


def _store(made: Sequence[Change], stored: dict[int, Incident], at: datetime) -> None:
    """Write the changes: new incidents, changed ones, and the lines of their history."""
    new, changed, notes = [], [], []
    for change in made:
        if change.act is Act.OPEN and change.sighting:
            incident = _opened(change.sighting, at)
            new.append(incident)
            notes.append(IncidentNote(incident=incident, at=at, target=Stage.OPEN, note=change.sighting.sentence))
        elif change.known is not None and change.act is not Act.WAIT:
            incident = stored[change.known.id]
            note = _changed(incident, change, at)
            changed.append(incident)
            notes += [note] if note else []
    Incident.objects.bulk_create(new)
    Incident.objects.bulk_update(changed, (*SEEN_FIELDS, *STATE_FIELDS))
    IncidentNote.objects.bulk_create(notes)


def _opened(sighting: Sighting, at: datetime) -> Incident:
    incident = Incident(kind=sighting.kind, subject=sighting.subject, opened_at=at)
    _see(incident, sighting, at)
    return incident


def _changed(incident: Incident, change: Change, at: datetime) -> IncidentNote | None:
    """Change the incident in memory; the line of its history, where the change deserves one."""
    source = incident.stage
    if change.sighting is not None:
        if incident.quiet_since is not None and at > incident.last_seen_at:
            incident.returns += 1
        _see(incident, change.sighting, at)
    if change.act is Act.QUIET:
        incident.quiet_since = at
    elif change.act is Act.RECOVER:
        _set_stage(incident, Stage.CLOSED, at=at, by=SYSTEM, reason=RECOVERED)
        since = f"{incident.quiet_since:%Y-%m-%d %H:%M}"
        watched = " Its subject is watched no more: that it is well, nobody knows." if change.is_gone else ""
        note = f"Not seen since {since} UTC.{watched}"
        return IncidentNote(incident=incident, at=at, source=source, target=Stage.CLOSED, reason=RECOVERED, note=note)
    elif change.act is Act.REOPEN:
        closed = incident.get_reason_display()
        _set_stage(incident, Stage.OPEN, at=at, by=SYSTEM, reason="")
        note = f"Seen again after it was closed ({closed}): {incident.sentence}"
        return IncidentNote(incident=incident, at=at, source=source, target=Stage.OPEN, note=note)
    return None


def _see(incident: Incident, sighting: Sighting, at: datetime) -> None:
    """Take over what was seen, unless something newer is known."""
    if incident.last_seen_at is not None and at <= incident.last_seen_at:
        return
    incident.last_seen_at = at
    incident.quiet_since = None
    incident.signal, incident.sentence, incident.score = sighting.signal, sighting.sentence, sighting.score
    if incident.worst_score is None or sighting.badness >= badness(incident.kind, incident.worst_score):
        incident.worst_score = sighting.score
    incident.evidence = sighting.evidence
    if sighting.score is not None:
        incident.trail = thinned([*incident.trail, [at.astimezone(UTC).timestamp(), sighting.score]], most=TRAIL)


def _set_stage(incident: Incident, target: str, *, at: datetime, by: str, reason: str) -> None:
    closed = target == Stage.CLOSED
    incident.stage, incident.reason = target, reason
    incident.closed_at, incident.closed_by = (at, by) if closed else (None, "")
    incident.closed_score = incident.score if closed else None
    if not closed:
        incident.quiet_since = None
