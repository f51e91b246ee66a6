"""Detections: what an evaluation reports that deserves an incident, one per affected subject."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np

from apps.fleet.engine.evaluation import Evaluation, FleetEvent, OutlierFlag, ServiceState
from apps.fleet.incidents.lifecycle import BY_SIGNAL, IncidentKind

FLEET_SUBJECT: Final = "the fleet"
"""The subject of incidents about the fleet as one."""
SINGLE_SILENT: Final = 10
"""Up to this many silent services have an incident each, unless they are more than SILENT_SHARE of the fleet."""
SILENT_SHARE: Final = 0.2
NAMED_SILENT: Final = 50
"""How many silent services a shared incident names."""
NO_SIGNAL: Final = ""

IncidentKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Detection:
    """A problem of a subject at one moment; `score` is a robust z, a factor for events, None for missing data."""

    kind: IncidentKind
    subject: str
    signal: str
    score: float | None
    sentence: str
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> float:
        """The severity, independent of direction; comparable only within one kind."""
        return severity(self.kind, self.score)

    @property
    def key(self) -> IncidentKey:
        """The key of its incident."""
        return incident_key(self.kind, self.subject, self.signal)


@dataclass(frozen=True, slots=True)
class DetectionSet:
    """All detections of one moment. `unknown` are the keys of outliers that cannot be confirmed without data.

    `present` names the evaluated services; None if the source does not list them.
    """

    seen: tuple[Detection, ...]
    unknown: frozenset[IncidentKey]
    present: frozenset[str] | None = None

    def is_gone(self, kind: str, subject: str) -> bool:
        """Whether this service is no longer monitored, so that its absence is not a recovery."""
        is_service = kind in {IncidentKind.OUTLIER, IncidentKind.NO_DATA} and subject != FLEET_SUBJECT
        return is_service and self.present is not None and subject not in self.present


def incident_key(kind: str, subject: str, signal: str) -> IncidentKey:
    """The identity of an incident: most kinds share one incident for all signals of a subject."""
    return (kind, subject, signal if kind in BY_SIGNAL else NO_SIGNAL)


def severity(kind: str, score: float | None) -> float:
    """The severity of a score: a factor below one is as bad as its inverse."""
    if score is None or not math.isfinite(score):
        return 0.0
    if kind in {IncidentKind.FLEET, IncidentKind.ZONE}:
        return max(score, 1 / score) if score > 0 else 0.0
    return abs(score)


def detections_of(evaluation: Evaluation) -> DetectionSet:
    """The outliers, events and services without data of an evaluation."""
    seen = (*_events(evaluation), *_outliers(evaluation), *_silent(evaluation))
    return DetectionSet(seen, frozenset(_unknown(evaluation)), frozenset(evaluation.services))


def _outliers(evaluation: Evaluation) -> list[Detection]:
    """One detection per service, however many of its signals are flagged.

    Flags that shift with their zone belong to the zone's event.
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
    """One detection for the fleet and one for each zone that shifted, however many signals did."""
    events: dict[str, list[FleetEvent]] = {}
    for event in evaluation.events:
        events.setdefault(event.zone, []).append(event)
    found = []
    for zone, own in events.items():
        kind = IncidentKind.ZONE if zone else IncidentKind.FLEET
        own.sort(key=lambda event: -severity(IncidentKind.FLEET, event.shift))
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
    """One detection per service without data, or one for all of them if many are silent."""
    rows = np.flatnonzero(np.asarray(evaluation.state) == ServiceState.NO_DATA)
    names = [evaluation.services[row] for row in rows]
    total = len(evaluation.services)
    if len(names) > max(1, min(SINGLE_SILENT, int(SILENT_SHARE * total))):
        sentence = f"{len(names):,} of {total:,} services have no data."
        evidence = {"silent": names[:NAMED_SILENT], "silent_total": len(names), "services": total}
        return [Detection(IncidentKind.NO_DATA, FLEET_SUBJECT, NO_SIGNAL, None, sentence, evidence)]
    return [Detection(IncidentKind.NO_DATA, name, NO_SIGNAL, None, f"{name} has no data.") for name in names]


def _unknown(evaluation: Evaluation) -> list[IncidentKey]:
    """Keys that cannot be evaluated without data: silence is not a recovery."""
    silent = np.asarray(evaluation.state) == ServiceState.NO_DATA
    keys = [incident_key(IncidentKind.OUTLIER, evaluation.services[row], NO_SIGNAL) for row in np.flatnonzero(silent)]
    if silent.size and silent.mean() > 0.5:
        keys.append(incident_key(IncidentKind.FLEET, FLEET_SUBJECT, NO_SIGNAL))
    return keys


def figures(one: OutlierFlag | FleetEvent) -> dict[str, Any]:
    """All figures of a flag or event for JSON; None for NaN and infinities."""
    return {
        name: _finite(float(value)) if isinstance(value, float | np.floating) else value
        for name, value in asdict(one).items()
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
