"""How an evaluation changes incidents: open, update, reopen, mark quiet, or close them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from apps.fleet.incidents.detections import Detection, DetectionSet, IncidentKey, incident_key, severity
from apps.fleet.incidents.lifecycle import CLOSE_REASON_BY_NAME, HOUR_S, MINUTE_S, IncidentStatus

RECURRENCE_WINDOW_S: Final = HOUR_S
"""A flag that returns within this time continues its incident: a flapping service opens at most one an hour."""
AUTO_CLOSE_S: Final = {
    IncidentStatus.OPEN: 2 * HOUR_S,
    IncidentStatus.ACKNOWLEDGED: 24 * HOUR_S,
    IncidentStatus.MITIGATED: 2 * HOUR_S,
}
"""A quiet incident closes after this time; later if someone acknowledged it."""
WORSENING_FACTOR: Final = 1.5
"""A closed incident reopens, whatever its close reason, when its score gets this many times as bad."""
PENDING_S: Final = {"outlier": 5 * MINUTE_S, "no_data": 10 * MINUTE_S}
"""How long a problem must persist before it opens an incident: a single flagged evaluation is not enough.

Events of the fleet or a zone open one immediately.
"""


class IncidentAction(StrEnum):
    """What happens to an incident."""

    OPEN = "open"
    WAIT = "wait"
    UPDATE = "update"
    REOPEN = "reopen"
    QUIET = "quiet"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class StoredIncident:
    """An incident as stored; times are epoch seconds, None if it has not happened."""

    id: int
    kind: str
    subject: str
    signal: str
    status: str
    reason: str
    last_seen_s: float
    quiet_s: float | None
    closed_s: float | None
    closed_score: float | None

    @property
    def key(self) -> IncidentKey:
        """The identity of the incident."""
        return incident_key(self.kind, self.subject, self.signal)


@dataclass(frozen=True, slots=True)
class IncidentChange:
    """One action on one incident. `known` is None for a new one, `detection` if nothing was detected.

    `is_gone`: its subject is no longer monitored.
    """

    action: IncidentAction
    known: StoredIncident | None = None
    detection: Detection | None = None
    is_gone: bool = False


def incident_changes(
    known: Sequence[StoredIncident], detections: DetectionSet, *, waiting_since: dict[IncidentKey, float], at_s: float
) -> tuple[IncidentChange, ...]:
    """The changes that an evaluation at `at_s` makes. Repeated or late evaluations change nothing.

    `known` holds every active incident and, per key, the last closed one; `waiting_since` maps problems that have not
    persisted long enough to the time of their first detection.
    """
    by_key: dict[IncidentKey, StoredIncident] = {}
    for one in sorted(known, key=lambda one: (one.status != IncidentStatus.CLOSED, one.closed_s or 0.0, one.id)):
        by_key[one.key] = one  # the active one wins, else the last closed one
    return (
        *(
            _changes_of_detected(detection, by_key.get(detection.key), waiting_since, at_s)
            for detection in detections.seen
        ),
        *_changes_of_undetected(by_key, detections, at_s),
    )


def _changes_of_detected(
    detection: Detection, known: StoredIncident | None, waiting_since: dict[IncidentKey, float], at_s: float
) -> IncidentChange:
    if known is None or (known.status == IncidentStatus.CLOSED and not _continues(known, at_s)):
        begun = waiting_since.get(detection.key, at_s)
        lasts = at_s - begun >= PENDING_S.get(detection.kind, 0.0)
        return IncidentChange(IncidentAction.OPEN if lasts else IncidentAction.WAIT, known, detection)
    if known.status == IncidentStatus.CLOSED and _reopens(detection, known, at_s):
        return IncidentChange(IncidentAction.REOPEN, known, detection)
    return IncidentChange(IncidentAction.UPDATE, known, detection)


def _continues(known: StoredIncident, at_s: float) -> bool:
    """Whether the detection continues this closed incident."""
    return at_s - max(known.last_seen_s, known.closed_s or 0.0) <= RECURRENCE_WINDOW_S


def _reopens(detection: Detection, known: StoredIncident, at_s: float) -> bool:
    """Whether the problem outlasts the close reason, or has become much worse."""
    closed_s = known.closed_s or 0.0
    if at_s <= closed_s:
        return False  # an evaluation from before the closing has no new information
    if detection.severity > WORSENING_FACTOR * severity(known.kind, known.closed_score) > 0:
        return True
    reason = CLOSE_REASON_BY_NAME.get(known.reason)
    return at_s - closed_s > (reason.settles_s if reason else 0.0)


def _changes_of_undetected(
    by_key: dict[IncidentKey, StoredIncident], detections: DetectionSet, at_s: float
) -> Iterator[IncidentChange]:
    seen = {detection.key for detection in detections.seen} | detections.unknown
    for key, known in by_key.items():
        if key in seen or known.status == IncidentStatus.CLOSED or known.last_seen_s >= at_s:
            continue
        quiet_s = at_s if known.quiet_s is None else known.quiet_s
        if at_s - quiet_s >= AUTO_CLOSE_S[IncidentStatus(known.status)]:
            yield IncidentChange(IncidentAction.RECOVER, known, is_gone=detections.is_gone(known.kind, known.subject))
        elif known.quiet_s is None:
            yield IncidentChange(IncidentAction.QUIET, known)
