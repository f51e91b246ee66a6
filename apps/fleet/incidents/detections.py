"""What an evaluation says that is worth an incident: one detection for each subject in trouble."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from apps.fleet.engine.evaluation import Evaluation, FleetEvent, OutlierFlag, ServiceState
from apps.fleet.incidents.lifecycle import BY_SIGNAL, IncidentKind

FLEET_SUBJECT: Final = "the fleet"
"""The subject of incidents that are about all services."""
SINGLE_SILENT: Final = 10
"""So many silent services have an incident each, unless that is more than SILENT_SHARE of the fleet."""
SILENT_SHARE: Final = 0.2
NAMED_SILENT: Final = 50
"""Silent services that the one incident of many names."""
NO_SIGNAL: Final = ""

IncidentKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Detection:
    """A subject in trouble at one moment; `score` is a robust z, a factor for events, None for silence."""

    kind: IncidentKind
    subject: str
    signal: str
    score: float | None
    sentence: str
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def badness(self) -> float:
        """How bad it is, whichever way it points; only compared within one kind."""
        return badness(self.kind, self.score)

    @property
    def key(self) -> IncidentKey:
        """What an incident of it is found by."""
        return incident_key(self.kind, self.subject, self.signal)


@dataclass(frozen=True, slots=True)
class DetectionSet:
    """All trouble of one moment, and the outliers of which nothing can be said because their service is silent.

    `present` names whom the look was at; None where that is not told.
    """

    seen: tuple[Detection, ...]
    unknown: frozenset[IncidentKey]
    present: frozenset[str] | None = None

    def is_gone(self, kind: str, subject: str) -> bool:
        """Whether nobody looks at this service any more, so that its silence says nothing."""
        is_service = kind in {IncidentKind.OUTLIER, IncidentKind.NO_DATA} and subject != FLEET_SUBJECT
        return is_service and self.present is not None and subject not in self.present


def incident_key(kind: str, subject: str, signal: str) -> IncidentKey:
    """What tells incidents apart: some kinds have one for all signals of a subject."""
    return (kind, subject, signal if kind in BY_SIGNAL else NO_SIGNAL)


def badness(kind: str, score: float | None) -> float:
    """How bad a score is: a factor below one is as bad as its inverse."""
    if score is None or not math.isfinite(score):
        return 0.0
    if kind in {IncidentKind.FLEET, IncidentKind.ZONE}:
        return max(score, 1 / score) if score > 0 else 0.0
    return abs(score)


def detections_of(evaluation: Evaluation) -> DetectionSet:
    """What the evaluation says of outliers, events and silence; a fleet without services says nothing."""
    seen = (*_events(evaluation), *_outliers(evaluation), *_silent(evaluation))
    return DetectionSet(seen, frozenset(_unknown(evaluation)), frozenset(evaluation.services))


def _outliers(evaluation: Evaluation) -> list[Detection]:
    """One detection a service, however many of its signals stand out: it is one sick service.

    A flag that moves with its zone belongs to the zone's event.
    """
    flags: dict[str, list[OutlierFlag]] = {}
    zones = {event.zone for event in evaluation.events if event.zone}
    for flag in sorted(evaluation.flags, key=lambda flag: -abs(flag.score)):
        if flag.zone not in zones:
            flags.setdefault(flag.service, []).append(flag)
    return [
        Detection(
            kind=IncidentKind.OUTLIER,
            subject=service,
            signal=own[0].signal,
            score=_finite(own[0].score),
            sentence=own[0].sentence,
            evidence={"flags": [figures(flag) for flag in own]},
        )
        for service, own in flags.items()
    ]


def _events(evaluation: Evaluation) -> list[Detection]:
    """One detection for the fleet and one for each zone that moved, whatever the number of signals."""
    events: dict[str, list[FleetEvent]] = {}
    for event in evaluation.events:
        events.setdefault(event.zone, []).append(event)
    found = []
    for zone, own in events.items():
        kind = IncidentKind.ZONE if zone else IncidentKind.FLEET
        own.sort(key=lambda event: -badness(IncidentKind.FLEET, event.shift))
        found.append(
            Detection(
                kind=kind,
                subject=zone or FLEET_SUBJECT,
                signal=own[0].signal,
                score=_finite(own[0].shift),
                sentence=own[0].sentence,
                evidence={"events": [figures(event) for event in own]},
            )
        )
    return found


def _silent(evaluation: Evaluation) -> list[Detection]:
    """A detection for each service without data; one for all of them where many are silent at once."""
    rows = np.flatnonzero(np.asarray(evaluation.state) == ServiceState.NO_DATA)
    names = [evaluation.services[row] for row in rows]
    total = len(evaluation.services)
    if len(names) > max(1, min(SINGLE_SILENT, int(SILENT_SHARE * total))):
        sentence = f"{len(names):,} of {total:,} services give no data."
        evidence = {"silent": names[:NAMED_SILENT], "silent_total": len(names), "services": total}
        return [Detection(IncidentKind.NO_DATA, FLEET_SUBJECT, NO_SIGNAL, None, sentence, evidence)]
    return [Detection(IncidentKind.NO_DATA, name, NO_SIGNAL, None, f"{name} gives no data.") for name in names]


def _unknown(evaluation: Evaluation) -> list[IncidentKey]:
    """Of these nothing can be said: silence is no recovery."""
    silent = np.asarray(evaluation.state) == ServiceState.NO_DATA
    keys = [incident_key(IncidentKind.OUTLIER, evaluation.services[row], NO_SIGNAL) for row in np.flatnonzero(silent)]
    if silent.size and silent.mean() > 0.5:
        keys.append(incident_key(IncidentKind.FLEET, FLEET_SUBJECT, NO_SIGNAL))
    return keys


def figures(one: OutlierFlag | FleetEvent) -> dict[str, Any]:
    """Every figure of a flag or an event as JSON has them; what is no number is None."""
    return {
        name: _finite(float(value)) if isinstance(value, float | np.floating) else value
        for name, value in asdict(one).items()
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
