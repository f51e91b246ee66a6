"""The watchdog of a process that moves records: C code that holds the interpreter cannot block it.

A thread beats: at each beat it arms the timer of faulthandler anew, whose own thread needs no interpreter. While the
process waits for PostgreSQL or Kafka, however long, the interpreter is free and the beat goes on; while C code holds
it, nothing beats, and the timer ends the process with a dump of where it stood. There is one such timer a process.
"""

import faulthandler
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, Self

LIMIT_S: Final = 8.0
"""How long nothing may beat. A process that was frozen for longer ends when it wakes: others have its work by then."""

BEAT_S: Final = 1.0
GRACE_S: Final = 9.0
"""How long a process that was asked to leave may take: PostgreSQL may be frozen in the middle of a statement."""

_MARGIN_S: Final = 0.5
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Watchdog:
    """Watches within its block, and has `leave` called where SIGTERM or SIGINT asks for it; for the main thread."""

    def __init__(self, leave: Callable[[], None], *, limit_s: float = LIMIT_S, grace_s: float = GRACE_S) -> None:
        self._leave = leave
        self._limit_s = limit_s
        self._grace_s = grace_s
        self._over = threading.Event()
        self._former: dict[signal.Signals, Any] = {}
        self._heard, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._beat, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        """Begin to watch."""
        os.set_blocking(self._wake, False)
        # C writes a signal's number here at once, whatever the main thread is waiting in.
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._former = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        self._arm(self._limit_s)
        self._thread.start()
        return self

    def __exit__(self, *_trouble: object) -> None:
        """Watch no more."""
        self._over.set()
        signal.set_wakeup_fd(-1)
        for number, handler in self._former.items():
            signal.signal(number, handler)
        os.write(self._wake, b"\0")
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()
        os.close(self._wake)
        os.close(self._heard)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._leave()

    def _arm(self, seconds: float) -> None:
        faulthandler.dump_traceback_later(max(seconds, 0.001), exit=True, file=sys.__stderr__ or sys.stderr)

    def _beat(self) -> None:
        beaten_s = time.monotonic()
        while not self._over.is_set():
            ready, _, _ = select.select([self._heard], [], [], BEAT_S)
            if ready and {*os.read(self._heard, 512)} & {int(number) for number in _SIGNALS}:
                # The signal came after the last beat, so the grace is counted from there.
                self._end_at(beaten_s + self._grace_s)
                return
            beaten_s = time.monotonic()
            self._arm(self._limit_s)

    def _end_at(self, deadline_s: float) -> None:
        """End the process then, in words if the interpreter can be had, and by the timer if it cannot."""
        self._arm(deadline_s - time.monotonic())
        if self._over.wait(deadline_s - time.monotonic() - _MARGIN_S):
            return
        sys.stderr.write("a batch did not end in time: leaving without it, it will be read again\n")
        sys.stderr.flush()
        os._exit(1)
