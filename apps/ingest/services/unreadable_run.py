"""Count records in a row on which the worker fails: many may mean that the worker is at fault."""

from collections import Counter
from typing import Final

from apps.ingest.core.errors import TooManyUnreadable
from apps.ingest.core.records import TopicPartition

MAX_CONSECUTIVE: Final = 20
"""Consecutive unreadable records that one attempt quarantines; the next attempt follows after a pause."""


class UnreadableRun:
    """The current run of unreadable records of each dataset."""

    def __init__(self) -> None:
        self._consecutive: Counter[int] = Counter()

    def end(self, dataset_id: int) -> None:
        """A record of the dataset was readable."""
        self._consecutive[dataset_id] = 0

    def add(self, dataset_id: int, partition: TopicPartition, cause: Exception) -> None:
        """Count an unreadable record. Raises TooManyUnreadable: too many in a row."""
        self._consecutive[dataset_id] += 1
        if self._consecutive[dataset_id] > MAX_CONSECUTIVE:
            self._consecutive[dataset_id] = 0
            raise TooManyUnreadable(
                f"record after record of {partition} fails with {type(cause).__name__}: this may be a bug in Andén, "
                f"see the traceback in the worker's log; {MAX_CONSECUTIVE} of them are quarantined, and after a pause "
                f"of at most a minute up to as many again"
            ) from cause
