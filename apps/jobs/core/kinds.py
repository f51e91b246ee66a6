"""Kinds of jobs: a name, typed arguments, and the function that does the work."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from apps.jobs.core.errors import ArgumentsInvalid
from apps.jobs.core.run import JobRun

Arguments = TypeVar("Arguments", bound=msgspec.Struct)

JOB_KINDS: Final[dict[str, "JobKind[Any]"]] = {}
"""Every kind by its name, once the apps are loaded."""


@dataclass(frozen=True, slots=True)
class JobKind(Generic[Arguments]):
    """A kind of job. What its function returns is kept as JSON.

    The function may run again after a part of its work was done: by a checkpoint, or by work that is the same twice.
    """

    name: str
    arguments: type[Arguments]
    function: Callable[[Arguments, JobRun], Any]
    attempts: int
    time_limit_s: float

    def encoded(self, arguments: Arguments) -> Any:
        """The arguments as JSON. Raises ArgumentsInvalid: the row is not written."""
        stored = msgspec.to_builtins(arguments)
        self.decoded(stored)
        return stored

    def decoded(self, stored: Any) -> Arguments:
        """The arguments of a row. Raises ArgumentsInvalid: another version of the kind wrote them."""
        try:
            return msgspec.convert(stored, self.arguments)
        except msgspec.ValidationError as error:
            raise ArgumentsInvalid(f"{self.name}: {error}") from error


def job(
    name: str, arguments: type[Arguments], *, attempts: int = 3, time_limit_s: float = 3_600
) -> Callable[[Callable[[Arguments, JobRun], Any]], JobKind[Arguments]]:
    """Make the function a kind of job; `attempts` counts runs that fail or take their worker with them."""

    def register(function: Callable[[Arguments, JobRun], Any]) -> JobKind[Arguments]:
        if name in JOB_KINDS:
            raise ValueError(f"two kinds of jobs are called {name}")
        kind = JOB_KINDS[name] = JobKind(name, arguments, function, attempts, time_limit_s)
        return kind

    return register
