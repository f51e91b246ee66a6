"""Slots of a folder: a small number per live process, free again once the process ends.

Metric files are named by slot, so a restarted worker continues the file of a dead one, and the folder never holds more
files than there were processes at one time.
"""

import fcntl
import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class ProcessSlots:
    """The slots of one folder, as seen by this process and, after a fork, by its children."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._slot: int | None = None
        self._lock_fd: int | None = None
        os.register_at_fork(after_in_child=self._reset)

    def own(self) -> int:
        """The slot of this process: the lowest that no live process holds."""
        if self._slot is None:
            self._slot, self._lock_fd = next(
                (slot, fd) for slot in itertools.count() if (fd := self._lock(slot)) is not None
            )
            self._drop_live_files(self._slot)
        return self._slot

    def sweep(self) -> None:
        """Remove the files of live gauges that dead processes left behind."""
        for slot in {int(path.stem.rsplit("_", 1)[1]) for path in self.folder.glob("gauge_live*_*.db")}:
            with self._if_dead(slot) as dead:
                if dead:
                    self._drop_live_files(slot)

    def _reset(self) -> None:
        """Give up the parent's slot: a child shares its lock and must acquire a slot of its own."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
        self._slot = self._lock_fd = None

    def _lock(self, slot: int) -> int | None:
        """The descriptor that holds the slot's lock; None if another process has it."""
        fd = os.open(self.folder / f"slot_{slot}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        return fd

    @contextmanager
    def _if_dead(self, slot: int) -> Iterator[bool]:
        """Whether no process holds the slot; no process can take it within the block."""
        fd = None if slot == self._slot else self._lock(slot)
        try:
            yield fd is not None
        finally:
            if fd is not None:
                os.close(fd)

    def _drop_live_files(self, slot: int) -> None:
        for path in self.folder.glob(f"gauge_live*_{slot}.db"):
            path.unlink(missing_ok=True)
