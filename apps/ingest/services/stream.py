"""One partition as read for one dataset."""

from dataclasses import dataclass, field
from typing import Final

from apps.ingest.core.backoff import Backoff
from apps.ingest.core.ports import TargetTable
from apps.ingest.core.records import Attempt, Position, TopicPartition

_FIRST_PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 60.0


def _backoff() -> Backoff:
    return Backoff(first_s=_FIRST_PAUSE_S, longest_s=_LONGEST_PAUSE_S)


@dataclass(slots=True)
class Stream:
    """One partition as read for one dataset; without a position it is assigned but not claimed.

    After a lost session a claim must still find `known_epoch`. Records before `careful_until` go through fault
    isolation. Those before `orphaned_until` may have crashed their previous worker, whose last `attempt` is stored. A
    stream that stopped while reading is `unproven` until it commits: a claim alone proves nothing.
    """

    target: TargetTable
    topic_partition: TopicPartition
    position: Position | None = None
    known_epoch: int | None = None
    careful_until: int = 0
    orphaned_until: int = 0
    attempt: Attempt | None = None
    last_error: str = ""
    unproven: bool = False
    backoff: Backoff = field(default_factory=_backoff)

    def invalidate(self) -> None:
        """Drop the position but keep the epoch; the next claim reads the stored position."""
        if self.position is not None:
            self.known_epoch, self.position = self.position.epoch, None
