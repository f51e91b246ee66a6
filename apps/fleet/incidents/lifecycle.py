"""The life of an incident: its stages, the moves between them, and why one is closed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from apps.fleet.errors import StageRefused

MINUTE_S: Final = 60.0
HOUR_S: Final = 3_600.0


class Kind(StrEnum):
    """What an incident is about."""

    OUTLIER = "outlier"
    FLEET = "fleet"
    ZONE = "zone"
    NO_DATA = "no_data"
    QUALITY = "quality"

    @property
    def words(self) -> str:
        """How the kind is written."""
        return _KIND_WORDS[self]


_KIND_WORDS: Final = {
    Kind.OUTLIER: "outlier",
    Kind.FLEET: "whole fleet",
    Kind.ZONE: "zone",
    Kind.NO_DATA: "no data",
    Kind.QUALITY: "data quality",
}
EVENTS: Final = frozenset({Kind.FLEET, Kind.ZONE})
"""Kinds whose score is a factor (×1.6) and not a robust z."""
BY_SIGNAL: Final = frozenset({Kind.QUALITY})
"""Kinds with an incident for each signal of a subject; the others have one for all signals of it."""


class Stage(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    MITIGATED = "mitigated"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Move:
    """A way from one stage to another; `needs` names what must be said with it, "" for nothing."""

    source: Stage
    target: Stage
    verb: str
    needs: str = ""


MOVES: Final = (
    Move(Stage.OPEN, Stage.ACKNOWLEDGED, "Acknowledge"),
    Move(Stage.OPEN, Stage.MITIGATED, "Mark mitigated"),
    Move(Stage.OPEN, Stage.CLOSED, "Close", needs="reason"),
    Move(Stage.ACKNOWLEDGED, Stage.MITIGATED, "Mark mitigated"),
    Move(Stage.ACKNOWLEDGED, Stage.CLOSED, "Close", needs="reason"),
    Move(Stage.MITIGATED, Stage.ACKNOWLEDGED, "Not mitigated after all"),
    Move(Stage.MITIGATED, Stage.CLOSED, "Close", needs="reason"),
    Move(Stage.CLOSED, Stage.OPEN, "Reopen", needs="note"),
)
"""Every move that a person can make."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an incident is closed.

    `settles_s`: for so long a flag that never left does not reopen it. A flag that is half again as bad as at the
    closing, or that was gone for more than an hour, is never held back.
    """

    name: str
    title: str
    settles_s: float
    by_person: bool = True


REASONS: Final = (
    Reason("fixed", "fixed", settles_s=15 * MINUTE_S),
    Reason("expected", "expected, or a change we made", settles_s=24 * HOUR_S),
    Reason("false_alarm", "false alarm", settles_s=24 * HOUR_S),
    Reason("duplicate", "duplicate of another incident", settles_s=24 * HOUR_S),
    Reason("recovered", "no longer seen, by itself", settles_s=0.0, by_person=False),
)
REASON_BY_NAME: Final = {reason.name: reason for reason in REASONS}
FALSE_ALARM: Final = "false_alarm"
RECOVERED: Final = "recovered"


def moves_from(stage: str) -> tuple[Move, ...]:
    """The moves that a person can make from this stage."""
    return tuple(move for move in MOVES if move.source == stage)


def move_checked(stage: str, target: str, *, reason: str, note: str) -> Move:
    """The move from stage to target, with all that it needs.

    Raises StageRefused: there is no such move, or what it needs was not said.
    """
    move = next((one for one in moves_from(stage) if one.target == target), None)
    if move is None:
        ways = " or ".join(one.target for one in moves_from(stage))
        raise StageRefused(f"an incident that is {stage} cannot become {target}: it can become {ways}")
    known = REASON_BY_NAME.get(reason)
    if move.needs == "reason" and (known is None or not known.by_person):
        titles = "; ".join(one.title for one in REASONS if one.by_person)
        raise StageRefused(f"reason: say why it is closed: {titles}")
    if move.needs == "note" and not note.strip():
        raise StageRefused("note: say why it is opened again")
    return move


def thinned(trail: list[list[float]], *, most: int) -> list[list[float]]:
    """The trail of (epoch s, score) with at most `most` points: the older half keeps the worse of each two."""
    while len(trail) > most:
        half = len(trail) // 2
        older = [max(trail[at : at + 2], key=lambda point: abs(point[1])) for at in range(0, half, 2)]
        trail = older + trail[half:]
    return trail
