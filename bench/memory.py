"""Memory and processor time of processes."""

import re
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_EVERY_S = 0.02


def own_peak_bytes() -> int:
    """This process's peak resident memory.

    Not from getrusage, whose figure is inherited from the parent process.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    match = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    if match is None:
        raise OSError("/proc/self/status has no VmHWM")
    return int(match[1]) * 1024


def resident_bytes(pid: int) -> int:
    """The resident memory of the process and its children; shared pages count for each."""
    parent = psutil.Process(pid)
    return sum(process.memory_info().rss for process in (parent, *parent.children(recursive=True)))


def tree_cpu_s(pid: int) -> float:
    """CPU seconds of the process and its children so far, those that have exited too."""
    parent = psutil.Process(pid)
    own = parent.cpu_times()
    spent_s: float = own.user + own.system + own.children_user + own.children_system
    for child in parent.children():
        with suppress(psutil.NoSuchProcess):
            spent_s += sum(child.cpu_times()[:2])
    return spent_s


class MemoryWatch:
    """Samples a process tree's memory during a block; `growth` is its peak above the start."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
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

    def _sample(self) -> None:
        while not self._over.wait(_EVERY_S):
            self._peak = max(self._peak, resident_bytes(self._pid))
