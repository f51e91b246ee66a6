"""In what state a dataset is, in one word, and which of them a person should see first."""

from dataclasses import dataclass
from enum import IntEnum


class State(IntEnum):
    """States, the most urgent first."""

    STOPPED = 0
    UNATTENDED = 1
    LATE = 2
    MOVING = 3
    QUIET = 4
    EMPTY = 5

    @property
    def word(self) -> str:
        """How the state is written."""
        return self.name.lower()

    @property
    def meaning(self) -> str:
        """What the state says, in a sentence."""
        return _MEANINGS[self]


_MEANINGS = {
    State.STOPPED: "A source is in a state that needs a person; nothing is skipped meanwhile.",
    State.UNATTENDED: "No worker reads its sources.",
    State.LATE: "The last batch is older than the contract allows.",
    State.MOVING: "Batches were committed within the last minute.",
    State.QUIET: "Everything is read; nothing new has come.",
    State.EMPTY: "Nothing has arrived yet.",
}


@dataclass(frozen=True, slots=True)
class Signs:
    """What a state is told by; `fresh_s` is None before the first batch, `latency_s` where none is promised."""

    sources: int
    attended: int
    troubled: int
    moved_last_minute: bool
    fresh_s: float | None
    latency_s: float | None


def state_of(signs: Signs) -> State:
    """The most urgent state that the signs show."""
    if signs.troubled:
        return State.STOPPED
    if signs.sources and not signs.attended:
        return State.UNATTENDED
    if signs.fresh_s is None:
        return State.EMPTY
    if signs.latency_s is not None and signs.fresh_s > signs.latency_s:
        return State.LATE
    return State.MOVING if signs.moved_last_minute else State.QUIET
