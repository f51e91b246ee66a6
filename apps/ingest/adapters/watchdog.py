"""Kill the worker process when C code blocks the interpreter.

A heartbeat thread rearms faulthandler's timer, whose own thread needs no interpreter. While the process waits for
PostgreSQL or Kafka, for however long, the interpreter is free and the heartbeat continues. While C code holds the
interpreter, the heartbeat stops, and the timer dumps all stacks and kills the process. A process has only one such
timer.
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
"""The longest gap between heartbeats. A process frozen for longer exits on waking; others have taken over by then."""

BEAT_S: Final = 1.0
GRACE_S: Final = 9.0
"""How long a shutdown may take: PostgreSQL may hang in the middle of a statement."""

_MARGIN_S: Final = 0.5
_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Watchdog:
    """Active within its block; calls `leave` on SIGTERM or SIGINT. Use it in the main thread."""

    def __init__(self, leave: Callable[[], None], *, limit_s: float = LIMIT_S, grace_s: float = GRACE_S) -> None:
        self._leave = leave
        self._limit_s = limit_s
        self._grace_s = grace_s
        self._over = threading.Event()
        self._previous: dict[signal.Signals, Any] = {}
        self._signals_read, self._wake = os.pipe()
        self._thread = threading.Thread(target=self._beat, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        """Install the signal handlers and start the heartbeat."""
        os.set_blocking(self._wake, False)
        # CPython writes the signal's number here immediately, even while the main thread is blocked.
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self._previous = {number: signal.signal(number, self._handle) for number in _SIGNALS}
        self._arm(self._limit_s)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop the heartbeat and restore the signal handlers."""
        self._over.set()
        signal.set_wakeup_fd(-1)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        os.write(self._wake, b"\0")
        self._thread.join()
        faulthandler.cancel_dump_traceback_later()
        os.close(self._wake)
        os.close(self._signals_read)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self._leave()

    def _arm(self, seconds: float) -> None:
        faulthandler.dump_traceback_later(max(seconds, 0.001), exit=True, file=sys.__stderr__ or sys.stderr)

    def _beat(self) -> None:
        # poll, because select fails for descriptors above 1023, which a worker of many partitions reaches.
        signalled = select.poll()
        signalled.register(self._signals_read, select.POLLIN)
        last_beat_s = time.monotonic()
        while not self._over.is_set():
            if signalled.poll(BEAT_S * 1000) and {*os.read(self._signals_read, 512)} & {
                int(number) for number in _SIGNALS
            }:
                # The signal came after the last heartbeat, so the grace period counts from there.
                self._end_at(last_beat_s + self._grace_s)
                return
            last_beat_s = time.monotonic()
            self._arm(self._limit_s)

    def _end_at(self, deadline_s: float) -> None:
        """Exit at the deadline: with a message if the interpreter is free, otherwise through the timer."""
        self._arm(deadline_s - time.monotonic())
        if self._over.wait(deadline_s - time.monotonic() - _MARGIN_S):
            return
        sys.stderr.write("a batch did not finish in time: exiting without it, its records will be read again\n")
        sys.stderr.flush()
        os._exit(1)
