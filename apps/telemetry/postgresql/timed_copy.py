"""COPY that times how long it waits, without the caller's work between two rows."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

import psycopg
from psycopg.abc import Buffer
from psycopg.copy import Copy, Writer

from apps.telemetry.postgresql.operation import Operation
from apps.telemetry.postgresql.timer import OperationTimer, Stopwatch


class TimedWriter(Writer):
    """Passes blocks to another writer and times it."""

    def __init__(self, writer: Writer, stopwatch: Stopwatch) -> None:
        self._write: Callable[[Buffer], None] = stopwatch.wrap(writer.write)
        self._writer = writer

    def write(self, data: Buffer) -> None:
        """Pass one block on, about 32 KiB."""
        self._write(data)

    def finish(self, exc: BaseException | None = None) -> None:
        """Finish the COPY; leaving the block times it."""
        self._writer.finish(exc)


class TimedCopy(AbstractContextManager[Copy]):
    """A COPY block: one observation at its end, of the seconds spent waiting for PostgreSQL."""

    def __init__(
        self,
        block: AbstractContextManager[Copy],
        *,
        timer: OperationTimer,
        operation: Operation,
        stopwatch: Stopwatch,
    ) -> None:
        self._block = block
        self._timer = timer
        self._operation = operation
        self._stopwatch = stopwatch

    def __enter__(self) -> Copy:
        try:
            copy = self._stopwatch.wrap(self._block.__enter__)()
        except psycopg.Error as error:
            self._observe(error)
            raise
        # Iteration and rows() read through these two; as attributes they need no subclass.
        copy.read = self._stopwatch.wrap_step(copy.read)  # type: ignore[method-assign]
        copy.read_row = self._stopwatch.wrap_step(copy.read_row)  # type: ignore[method-assign]
        return copy

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        try:
            return self._stopwatch.wrap(self._block.__exit__)(kind, error, trace)
        except psycopg.Error as refusal:
            error = refusal
            raise
        finally:
            self._observe(error)

    def _observe(self, error: BaseException | None) -> None:
        self._timer.observe_wait(self._operation, self._stopwatch.seconds)
        if isinstance(error, psycopg.Error):
            self._timer.count_error(self._operation, error)
