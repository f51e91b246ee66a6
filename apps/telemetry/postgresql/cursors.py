"""psycopg cursors that time how long they wait: statements, COPY, streams, and server-side fetches.

Fetches of ordinary cursors are not timed: their rows arrived with the statement.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from time import perf_counter
from typing import Any, ClassVar, Final, Self, TypeVar, cast

import psycopg
from psycopg import sql
from psycopg.abc import AdaptContext, Params, PQGen, Query
from psycopg.copy import Copy, LibpqWriter, Writer

from apps.telemetry.postgresql.operation import Operation, operation_of
from apps.telemetry.postgresql.timed_copy import TimedCopy, TimedWriter
from apps.telemetry.postgresql.timer import OperationTimer, Stopwatch, operation_timer

CursorClass = TypeVar("CursorClass", bound=psycopg.Cursor[Any])

_END: Final = object()


def operation_of_query(query: Any, context: AdaptContext | None = None) -> Operation:
    """The operation of a statement in any form psycopg accepts; "other" for anything else."""
    if isinstance(query, str):
        return operation_of(query)
    if isinstance(query, bytes):
        return operation_of(query.decode(errors="replace"))
    return operation_of(query.as_string(context)) if isinstance(query, sql.Composable) else "other"


class _TimedCursorMixin(psycopg.Cursor[Any]):
    """Mixin for cursor classes of psycopg or Django: times their operations."""

    __slots__ = ()
    timer: ClassVar[OperationTimer]

    def execute(self, query: Any, params: Params | None = None, **options: Any) -> Self:
        execute: Callable[..., Self] = super().execute
        return self.timer.call(operation_of_query(query, self), execute, query, params, **options)

    def executemany(self, query: Query, params_seq: Iterable[Params], **options: Any) -> None:
        """Run one statement for many parameters: a single observation."""
        self.timer.call(operation_of_query(query, self), super().executemany, query, params_seq, **options)

    def stream(self, query: Query, params: Params | None = None, **options: Any) -> Iterator[Any]:
        """Stream rows: one observation, of the time spent waiting."""
        operation, stopwatch = operation_of_query(query, self), Stopwatch()
        rows = super().stream(query, params, **options)
        advance = stopwatch.wrap_step(partial(next, rows, _END))
        try:
            while (row := advance()) is not _END:
                yield row
        except psycopg.Error as error:
            self.timer.count_error(operation, error)
            raise
        finally:
            stopwatch.wrap(rows.close)()  # type: ignore[attr-defined] # a generator: cancels what is left
            self.timer.observe_wait(operation, stopwatch.seconds)

    @contextmanager
    def copy(self, statement: Query, params: Params | None = None, *, writer: Writer | None = None) -> Iterator[Copy]:
        """A COPY block: one observation at its end."""
        stopwatch = Stopwatch()
        block = super().copy(statement, params, writer=TimedWriter(writer or LibpqWriter(self), stopwatch))
        with TimedCopy(
            block, timer=self.timer, operation=operation_of_query(statement, self), stopwatch=stopwatch
        ) as copy:
            yield copy


class _TimedServerCursorMixin(_TimedCursorMixin, psycopg.ServerCursor[Any]):
    """Mixin for server-side cursors, which query the database on every fetch."""

    __slots__ = ()

    def _fetch_gen(self, num: int | None) -> PQGen[list[Any]]:
        # fetchone, fetchmany, fetchall and iteration all end up here.
        started = perf_counter()
        try:
            return (yield from super()._fetch_gen(num))
        except psycopg.Error as error:
            self.timer.count_error("read", error)
            raise
        finally:
            self.timer.observe_wait("read", perf_counter() - started)


@cache
def timed(base: type[CursorClass], alias: str) -> type[CursorClass]:
    """The cursor class with operations timed for this alias; cached."""
    timing = _TimedServerCursorMixin if issubclass(base, psycopg.ServerCursor) else _TimedCursorMixin
    body = {"__slots__": (), "timer": operation_timer(alias)}
    return cast("type[CursorClass]", type(f"Timed{base.__name__}", (timing, base), body))


def timed_cursor(alias: str) -> type[psycopg.Cursor[Any]]:
    """The cursor class for raw connections of this alias."""
    return timed(psycopg.Cursor, alias)
