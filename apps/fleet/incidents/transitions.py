"""What becomes of the incidents when the fleet was looked at again: opened, seen, reopened, quiet or closed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from apps.fleet.incidents.detections import Key, Sighting, Sightings, badness, key_of
from apps.fleet.incidents.lifecycle import HOUR_S, MINUTE_S, REASON_BY_NAME, Stage

CALM_S: Final = HOUR_S
"""A flag that returns within this time goes on with its incident: a flapping service opens at most one an hour."""
QUIET_CLOSES_S: Final = {Stage.OPEN: 2 * HOUR_S, Stage.ACKNOWLEDGED: 24 * HOUR_S, Stage.MITIGATED: 2 * HOUR_S}
"""An incident that was quiet for so long closes itself, later where somebody has taken it up."""
WORSE: Final = 1.5
"""A closed incident that gets so many times worse than it was at its closing reopens whatever was said of it."""
PERSISTS_S: Final = {"outlier": 5 * MINUTE_S, "no_data": 10 * MINUTE_S}
"""How long trouble must be seen before it opens an incident: a flag of one look is no work for a person yet.

What moves together is told at once.
"""


class Act(StrEnum):
    """What is done with an incident."""

    OPEN = "open"
    WAIT = "wait"
    SEE = "see"
    REOPEN = "reopen"
    QUIET = "quiet"
    RECOVER = "recover"


@dataclass(frozen=True, slots=True)
class Known:
    """An incident as it is stored; times are epoch seconds, None where it did not happen."""

    id: int
    kind: str
    subject: str
    signal: str
    stage: str
    reason: str
    last_seen_s: float
    quiet_s: float | None
    closed_s: float | None
    closed_score: float | None

    @property
    def key(self) -> Key:
        """What it is found by."""
        return key_of(self.kind, self.subject, self.signal)


@dataclass(frozen=True, slots=True)
class Change:
    """One act on one incident: `known` is None where there is none yet, `sighting` where nothing was seen.

    `is_gone`: its subject is watched no more.
    """

    act: Act
    known: Known | None = None
    sighting: Sighting | None = None
    is_gone: bool = False


def changes(
    known: Sequence[Known], sightings: Sightings, *, waiting_since: dict[Key, float], at_s: float
) -> tuple[Change, ...]:
    """What a look at `at_s` changes; the same look twice, or one that came late, changes nothing the second time.

    `known` holds every live incident and, of each key, the last that was closed; `waiting_since` says since when
    trouble is seen that does not last long enough yet.
    """
    by_key: dict[Key, Known] = {}
    for one in sorted(known, key=lambda one: (one.stage != Stage.CLOSED, one.closed_s or 0.0, one.id)):
        by_key[one.key] = one  # the live one wins, else the one closed last
    return (
        *(_seen(sighting, by_key.get(sighting.key), waiting_since, at_s) for sighting in sightings.seen),
        *_unseen(by_key, sightings, at_s),
    )


def _seen(sighting: Sighting, known: Known | None, waiting_since: dict[Key, float], at_s: float) -> Change:
    if known is None or (known.stage == Stage.CLOSED and not _goes_on(known, at_s)):
        begun = waiting_since.get(sighting.key, at_s)
        lasts = at_s - begun >= PERSISTS_S.get(sighting.kind, 0.0)
        return Change(Act.OPEN if lasts else Act.WAIT, known, sighting)
    if known.stage == Stage.CLOSED and _breaks_through(sighting, known, at_s):
        return Change(Act.REOPEN, known, sighting)
    return Change(Act.SEE, known, sighting)


def _goes_on(known: Known, at_s: float) -> bool:
    """Whether what is seen now is still the trouble of this closed incident."""
    return at_s - max(known.last_seen_s, known.closed_s or 0.0) <= CALM_S


def _breaks_through(sighting: Sighting, known: Known, at_s: float) -> bool:
    """Whether the trouble outlives what was said at the closing, or has become much worse."""
    closed_s = known.closed_s or 0.0
    if at_s <= closed_s:
        return False  # a look from before the closing tells nothing new
    if sighting.badness > WORSE * badness(known.kind, known.closed_score) > 0:
        return True
    reason = REASON_BY_NAME.get(known.reason)
    return at_s - closed_s > (reason.settles_s if reason else 0.0)


def _unseen(by_key: dict[Key, Known], sightings: Sightings, at_s: float) -> Iterator[Change]:
    seen = {sighting.key for sighting in sightings.seen} | sightings.unknown
    for key, known in by_key.items():
        if key in seen or known.stage == Stage.CLOSED or known.last_seen_s >= at_s:
            continue
        quiet_s = at_s if known.quiet_s is None else known.quiet_s
        if at_s - quiet_s >= QUIET_CLOSES_S[Stage(known.stage)]:
            yield Change(Act.RECOVER, known, is_gone=sightings.is_gone(known.kind, known.subject))
        elif known.quiet_s is None:
            yield Change(Act.QUIET, known)
