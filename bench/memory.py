"""Memory of processes, bytes."""

import re
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_EVERY_S = 0.02


def own_peak_bytes() -> int:
    """The most memory that this process has had resident.

    Not getrusage: its figure is inherited from the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if match is None:
        raise OSError("/proc/self/status has no VmHWM")
    return int(match[1]) * 1024


def resident_bytes(pid: int) -> int:
    """The memory of this process and its children, shared pages counted once for each."""
    parent = psutil.Process(pid)
    return sum(process.memory_info().rss for process in (parent, *parent.children(recursive=True)))


class MemoryWatch:
    """Looks at a process tree while a block runs; `growth` is its peak over what it had at the start."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._start = self._peak = 0

    def __enter__(self) -> Self:
        self._start = self._peak = resident_bytes(self._pid)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @property
    def growth(self) -> int:
        """Bytes above the start."""
        return self._peak - self._start

    def _look(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._peak = max(self._peak, resident_bytes(self._pid))
