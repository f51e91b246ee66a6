"""In what state a dataset is, in one word, and which of them a person should see first."""

from dataclasses import dataclass
from enum import IntEnum


class DatasetState(IntEnum):
    """States, the most urgent first."""

    STOPPED = 0
    UNASSIGNED = 1
    LATE = 2
    ACTIVE = 3
    IDLE = 4
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
    DatasetState.STOPPED: "A source is in a state that needs a person; nothing is skipped meanwhile.",
    DatasetState.UNASSIGNED: "No worker reads its sources.",
    DatasetState.LATE: "The last batch is older than the contract allows.",
    DatasetState.ACTIVE: "Batches were committed within the last minute.",
    DatasetState.IDLE: "Everything is read; nothing new has come.",
    DatasetState.EMPTY: "Nothing has arrived yet.",
}


@dataclass(frozen=True, slots=True)
class DatasetStateInputs:
    """What a state is told by; `fresh_s` is None before the first batch, `latency_s` where none is promised."""

    sources: int
    assigned: int
    stopped: int
    active_last_minute: bool
    fresh_s: float | None
    latency_s: float | None


def dataset_state(signs: DatasetStateInputs) -> DatasetState:
    """The most urgent state that the signs show."""
    if signs.stopped:
        return DatasetState.STOPPED
    if signs.sources and not signs.assigned:
        return DatasetState.UNASSIGNED
    if signs.fresh_s is None:
        return DatasetState.EMPTY
    if signs.latency_s is not None and signs.fresh_s > signs.latency_s:
        return DatasetState.LATE
    return DatasetState.ACTIVE if signs.active_last_minute else DatasetState.IDLE
