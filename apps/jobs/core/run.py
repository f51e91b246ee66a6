"""A run of a job as seen by its function: the last checkpoint, and a way to report progress."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from apps.jobs.core.errors import RunEnded

TEXT_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class JobProgress:
    """A job's progress. `total` is None if unknown; `checkpoint` is any JSON value."""

    done: int = 0
    total: int | None = None
    text: str = ""
    checkpoint: Any = None


class JobRun:
    """The run, passed to a kind's function with its arguments."""

    def __init__(self, before: JobProgress, check: Callable[[], None]) -> None:
        self._progress = before
        self._check = check
        self._ending: RunEnded | None = None

    @property
    def checkpoint(self) -> Any:
        """The last reported checkpoint, to resume from; None on the first run."""
        return self._progress.checkpoint

    @property
    def last_progress(self) -> JobProgress:
        """The last reported progress."""
        return self._progress

    def progress(self, done: int, total: int | None = None, text: str = "", checkpoint: Any = None) -> None:
        """Report progress, outside any transaction, at least every few seconds.

        Executes no SQL: the heartbeat writes the progress within two seconds. A checkpoint means that all work up to
        it is committed; None keeps the previous one.
        Raises RunEnded: cancelled, shutting down, out of time, or taken over. Let it propagate.
        """
        current = self._progress.checkpoint if checkpoint is None else checkpoint
        progress = JobProgress(done, total, text.replace("\0", "")[:TEXT_LENGTH], current)
        self._check()
        self._progress = progress
        if self._ending:
            raise self._ending

    def end(self, ending: RunEnded) -> None:
        """Make the next call of `progress` raise this."""
        self._ending = ending
