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
    """One partition as read for one dataset; without position it is assigned and not claimed.

    `known_epoch` is the epoch that a claim after a lost session must still find. Records before `careful_until` are
    taken by fault isolation; those before `orphaned_until` may have ended the worker that had them, whose last
    `attempt` it was. A stream that was stopped at work is `unproven` until it commits: a claim alone shows nothing.
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
        """Forget the position, not the epoch: the next claim reads what is stored."""
        if self.position is not None:
            self.known_epoch, self.position = self.position.epoch, None
