"""The state of a dataset, ordered by urgency."""

from dataclasses import dataclass
from enum import IntEnum


class DatasetState(IntEnum):
    """A dataset's state, the most urgent first."""

    STOPPED = 0
    UNASSIGNED = 1
    LATE = 2
    ACTIVE = 3
    IDLE = 4
    EMPTY = 5

    @property
    def word(self) -> str:
        """The state's name, which is also its CSS class."""
        return self.name.lower()

    @property
    def meaning(self) -> str:
        """The state's explanation, for tooltips."""
        return _MEANINGS[self]


_MEANINGS = {
    DatasetState.STOPPED: "A source has an error that needs a person; no record is skipped meanwhile.",
    DatasetState.UNASSIGNED: "No worker owns its sources.",
    DatasetState.LATE: "The last batch is older than the contract allows.",
    DatasetState.ACTIVE: "Batches were committed within the last minute.",
    DatasetState.IDLE: "All records are read; no new ones have arrived.",
    DatasetState.EMPTY: "No record has arrived yet.",
}


@dataclass(frozen=True, slots=True)
class DatasetStateInputs:
    """What the state depends on; `fresh_s` is None before the first batch, `latency_s` if none is promised."""

    sources: int
    assigned: int
    stopped: int
    active_last_minute: bool
    fresh_s: float | None
    latency_s: float | None


def dataset_state(inputs: DatasetStateInputs) -> DatasetState:
    """The most urgent state that applies."""
    if inputs.stopped:
        return DatasetState.STOPPED
    if inputs.sources and not inputs.assigned:
        return DatasetState.UNASSIGNED
    if inputs.fresh_s is None:
        return DatasetState.EMPTY
    if inputs.latency_s is not None and inputs.fresh_s > inputs.latency_s:
        return DatasetState.LATE
    return DatasetState.ACTIVE if inputs.active_last_minute else DatasetState.IDLE
