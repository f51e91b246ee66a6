"""One run of a job as its function sees it: where the last one stood, and a way to say how far this one is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from apps.jobs.core.errors import RunEnded

TEXT_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is; `total` is None where nobody knows, `checkpoint` is JSON of the function's own."""

    done: int = 0
    total: int | None = None
    text: str = ""
    checkpoint: Any = None


class JobRun:
    """What a kind's function gets beside its arguments."""

    def __init__(self, before: JobProgress, check: Callable[[], None]) -> None:
        self._said = before
        self._check = check
        self._ending: RunEnded | None = None

    @property
    def checkpoint(self) -> Any:
        """What the last run that said one left, to go on from; None at the first."""
        return self._said.checkpoint

    @property
    def last_progress(self) -> JobProgress:
        """What was said last."""
        return self._said

    def progress(self, done: int, total: int | None = None, text: str = "", checkpoint: Any = None) -> None:
        """Say how far the work is, outside of any transaction; call it every few seconds at least.

        It touches no database: the heart writes it within two seconds. A checkpoint says that all work up to it is
        committed; None keeps the one before.
        Raises RunEnded: cancelled, the worker stops, the time is over, or the job was taken over. Let it pass.
        """
        kept = self._said.checkpoint if checkpoint is None else checkpoint
        said = JobProgress(done, total, text.replace("\0", "")[:TEXT_LENGTH], kept)
        self._check()
        self._said = said
        if self._ending:
            raise self._ending

    def end(self, ending: RunEnded) -> None:
        """Have the next call of `progress` raise this."""
        self._ending = ending
