"""The lifecycle of an incident: statuses, transitions, and close reasons."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from apps.fleet.errors import TransitionRefused

MINUTE_S: Final = 60.0
HOUR_S: Final = 3_600.0


class IncidentKind(StrEnum):
    """What kind of problem an incident is about."""

    OUTLIER = "outlier"
    FLEET = "fleet"
    ZONE = "zone"
    NO_DATA = "no_data"
    QUALITY = "quality"

    @property
    def words(self) -> str:
        """The display name of the kind."""
        return _KIND_WORDS[self]


_KIND_WORDS: Final = {
    IncidentKind.OUTLIER: "outlier",
    IncidentKind.FLEET: "fleet",
    IncidentKind.ZONE: "zone",
    IncidentKind.NO_DATA: "no data",
    IncidentKind.QUALITY: "data quality",
}
EVENTS: Final = frozenset({IncidentKind.FLEET, IncidentKind.ZONE})
"""Kinds whose score is a factor (×1.6) instead of a robust z."""
BY_SIGNAL: Final = frozenset({IncidentKind.QUALITY})
"""Kinds with an incident per signal of a subject; the others share one for all its signals."""


class IncidentStatus(StrEnum):
    """The status of an incident."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class IncidentTransition:
    """A change from one status to another; `needs` names the required input, "" for none."""

    source: IncidentStatus
    target: IncidentStatus
    verb: str
    needs: str = ""


TRANSITIONS: Final = (
    IncidentTransition(IncidentStatus.OPEN, IncidentStatus.ACKNOWLEDGED, "Acknowledge"),
    IncidentTransition(IncidentStatus.OPEN, IncidentStatus.MITIGATED, "Mark mitigated"),
    IncidentTransition(IncidentStatus.OPEN, IncidentStatus.CLOSED, "Close", needs="reason"),
    IncidentTransition(IncidentStatus.ACKNOWLEDGED, IncidentStatus.MITIGATED, "Mark mitigated"),
    IncidentTransition(IncidentStatus.ACKNOWLEDGED, IncidentStatus.CLOSED, "Close", needs="reason"),
    IncidentTransition(IncidentStatus.MITIGATED, IncidentStatus.ACKNOWLEDGED, "Undo mitigation"),
    IncidentTransition(IncidentStatus.MITIGATED, IncidentStatus.CLOSED, "Close", needs="reason"),
    IncidentTransition(IncidentStatus.CLOSED, IncidentStatus.OPEN, "Reopen", needs="note"),
)
"""All transitions that a person can make."""


@dataclass(frozen=True, slots=True)
class CloseReason:
    """Why an incident is closed.

    `settles_s`: for this long a flag that never left does not reopen the incident. A flag that is 1.5 times as bad as
    when it was closed, or that was gone for more than an hour, is never held back.
    """

    name: str
    title: str
    settles_s: float
    by_person: bool = True


CLOSE_REASONS: Final = (
    CloseReason("fixed", "fixed", settles_s=15 * MINUTE_S),
    CloseReason("expected", "expected, or a change we made", settles_s=24 * HOUR_S),
    CloseReason("false_alarm", "false alarm", settles_s=24 * HOUR_S),
    CloseReason("duplicate", "duplicate of another incident", settles_s=24 * HOUR_S),
    CloseReason("recovered", "no longer detected", settles_s=0.0, by_person=False),
)
CLOSE_REASON_BY_NAME: Final = {reason.name: reason for reason in CLOSE_REASONS}
FALSE_ALARM: Final = "false_alarm"
RECOVERED: Final = "recovered"


def transitions_from(status: str) -> tuple[IncidentTransition, ...]:
    """The transitions that a person can make from this status."""
    return tuple(transition for transition in TRANSITIONS if transition.source == status)


def check_transition(status: str, target: str, *, reason: str, note: str) -> IncidentTransition:
    """The transition from status to target, checked for its required input.

    Raises TransitionRefused: there is no such transition, or its reason or note is missing.
    """
    transition = next((one for one in transitions_from(status) if one.target == target), None)
    if transition is None:
        ways = " or ".join(one.target for one in transitions_from(status))
        raise TransitionRefused(f"an incident cannot change from {status} to {target}, only to {ways}")
    known = CLOSE_REASON_BY_NAME.get(reason)
    if transition.needs == "reason" and (known is None or not known.by_person):
        titles = "; ".join(one.title for one in CLOSE_REASONS if one.by_person)
        raise TransitionRefused(f"reason: choose why you close it: {titles}")
    if transition.needs == "note" and not note.strip():
        raise TransitionRefused("note: explain why you reopen it")
    return transition


def thin_history(score_history: list[list[float]], *, most: int) -> list[list[float]]:
    """At most `most` of the (epoch s, score) points: of each two in the older half the worse one remains."""
    while len(score_history) > most:
        half = len(score_history) // 2
        older = [max(score_history[at : at + 2], key=lambda point: abs(point[1])) for at in range(0, half, 2)]
        score_history = older + score_history[half:]
    return score_history
