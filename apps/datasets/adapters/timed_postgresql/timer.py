"""Seconds that callers waited for PostgreSQL, observed by alias and operation."""

from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import ParamSpec, TypeVar

import psycopg

from apps.datasets.adapters import prometheus
from apps.datasets.adapters.timed_postgresql.operation import OPERATIONS, Operation
from apps.datasets.metrics import DATABASE_ERRORS, DATABASE_SECONDS

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class OperationTimer:
    """Observes the operations of one alias; its series exist from the start."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        seconds = prometheus.histogram(DATABASE_SECONDS)
        self._observe = {operation: seconds.labels(alias, operation).observe for operation in OPERATIONS}

    def call(
        self,
        operation: Operation,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """What the function returns; its time is observed, and a refusal of PostgreSQL counted."""
        started = perf_counter()
        try:
            return function(*args, **kwargs)
        except psycopg.Error as error:
            self.refused(operation, error)
            raise
        finally:
            self._observe[operation](perf_counter() - started)

    def waited(self, operation: Operation, seconds: float) -> None:
        """Observe an operation that was waited for in several pieces."""
        self._observe[operation](seconds)

    def refused(self, operation: Operation, error: psycopg.Error) -> None:
        """Count an error; one without an SQLSTATE is a lost connection's or the client's own: 08."""
        sqlstate_class = (error.sqlstate or "08000")[:2]
        prometheus.counter(DATABASE_ERRORS).labels(self._alias, operation, sqlstate_class).inc()


@cache
def timer_of(alias: str) -> OperationTimer:
    """The timer of this alias, the same at each call."""
    return OperationTimer(alias)


class Stopwatch:
    """Seconds spent inside of the functions it wraps, together."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
        """The same function, its time added to the sum."""

        def timed(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
            started = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += perf_counter() - started

        return timed

    def around_step(self, step: Callable[[], Result]) -> Callable[[], Result]:
        """The same for what happens once a row: half the price, and a step that fails is not counted."""

        def timed() -> Result:
            started = perf_counter()
            result = step()
            self.seconds += perf_counter() - started
            return result

        return timed
