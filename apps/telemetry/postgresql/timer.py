"""Seconds that callers waited for PostgreSQL, by alias and operation."""

from collections.abc import Callable
from functools import cache
from time import perf_counter, time_ns
from typing import ParamSpec, TypeVar

import psycopg

from apps.telemetry import prometheus
from apps.telemetry.metrics import DATABASE_ERRORS, DATABASE_SECONDS, OUT_OF_RESOURCES
from apps.telemetry.postgresql.operation import OPERATIONS, Operation
from apps.telemetry.tracing.current import tracing
from apps.telemetry.tracing.port import OpenSpan

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class OperationTimer:
    """Observes the operations of one alias; its series exist from the start."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        seconds, errors = prometheus.histogram(DATABASE_SECONDS), prometheus.counter(DATABASE_ERRORS)
        for operation in OPERATIONS:
            errors.labels(alias, operation, OUT_OF_RESOURCES)
        self._observe = {operation: seconds.labels(alias, operation).observe for operation in OPERATIONS}

    def call(
        self,
        operation: Operation,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """The function's result; observes its time and counts a PostgreSQL error."""
        started = perf_counter()
        try:
            return function(*args, **kwargs)
        except psycopg.Error as error:
            self.count_error(operation, error)
            raise
        finally:
            self._observe[operation](perf_counter() - started)

    def observe_wait(self, operation: Operation, seconds: float) -> None:
        """Observe an operation whose wait came in several pieces."""
        self._observe[operation](seconds)

    def count_error(self, operation: Operation, error: psycopg.Error) -> None:
        """Count an error; without a SQLSTATE (lost connection or client error) as class 08."""
        sqlstate_class = (error.sqlstate or "08000")[:2]
        prometheus.counter(DATABASE_ERRORS).labels(self.alias, operation, sqlstate_class).inc()


class TracedTimer(OperationTimer):
    """Also records each operation in the span of the waiting request."""

    def call(
        self,
        operation: Operation,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """The function's result; observes and traces its time and counts a PostgreSQL error."""
        span = tracing().current()
        if span is None:
            return super().call(operation, function, *args, **kwargs)
        began_ns, sqlstate = time_ns(), ""
        try:
            return super().call(operation, function, *args, **kwargs)
        except psycopg.Error as error:
            sqlstate = error.sqlstate or "08000"
            raise
        finally:
            self._note(span, operation, began_ns=began_ns, error=sqlstate)

    def observe_wait(self, operation: Operation, seconds: float) -> None:
        """Observe and trace an operation whose wait came in several pieces, as one span that ends now."""
        super().observe_wait(operation, seconds)
        span = tracing().current()
        if span is not None:
            self._note(span, operation, began_ns=time_ns() - int(seconds * 1e9), error="")

    def _note(self, span: OpenSpan, operation: Operation, *, began_ns: int, error: str) -> None:
        # Never the statement: its literals may be confidential.
        attributes = {"db.system.name": "postgresql", "db.operation.name": operation, "anden.alias": self.alias}
        span.child(
            f"{operation} {self.alias}", began_ns=began_ns, ended_ns=time_ns(), attributes=attributes, error=error
        )


@cache
def operation_timer(alias: str) -> OperationTimer:
    """The timer of this alias, cached; it traces if tracing is on."""
    return TracedTimer(alias) if tracing().on else OperationTimer(alias)


class Stopwatch:
    """Total seconds spent in the functions it wraps."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = 0.0

    def wrap(self, function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """The same function; its time is added to the total."""

        def timed(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            started = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += perf_counter() - started

        return timed

    def wrap_step(self, step: Callable[[], Result]) -> Callable[[], Result]:
        """For steps that run once per row: half the overhead, and a failing step does not count."""

        def timed() -> Result:
            started = perf_counter()
            result = step()
            self.seconds += perf_counter() - started
            return result

        return timed
