"""Job kinds: a name, typed arguments and a function."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import msgspec

from apps.jobs.core.errors import ArgumentsInvalid
from apps.jobs.core.run import JobRun

Arguments = TypeVar("Arguments", bound=msgspec.Struct)

JOB_KINDS: Final[dict[str, "JobKind[Any]"]] = {}
"""All kinds by name, complete after the apps are loaded."""


@dataclass(frozen=True, slots=True)
class JobKind(Generic[Arguments]):
    """A kind of job. The function's return value is stored as JSON.

    The function may run again after doing part of its work: use a checkpoint or make it idempotent.
    """

    name: str
    arguments: type[Arguments]
    function: Callable[[Arguments, JobRun], Any]
    attempts: int
    time_limit_s: float

    def encode(self, arguments: Arguments) -> Any:
        """The arguments as JSON types. Raises ArgumentsInvalid."""
        stored = msgspec.to_builtins(arguments)
        self.decode(stored)
        return stored

    def decode(self, stored: Any) -> Arguments:
        """The arguments of a row. Raises ArgumentsInvalid: written by another version of the kind."""
        try:
            return msgspec.convert(stored, self.arguments)
        except msgspec.ValidationError as error:
            raise ArgumentsInvalid(f"{self.name}: {error}") from error


def job(
    name: str, arguments: type[Arguments], *, attempts: int = 3, time_limit_s: float = 3_600
) -> Callable[[Callable[[Arguments, JobRun], Any]], JobKind[Arguments]]:
    """Register the decorated function as a job kind. `attempts` counts runs that fail or crash the worker."""

    def register(function: Callable[[Arguments, JobRun], Any]) -> JobKind[Arguments]:
        if name in JOB_KINDS:
            raise ValueError(f"job kind {name} is registered twice")
        kind = JOB_KINDS[name] = JobKind(name, arguments, function, attempts, time_limit_s)
        return kind

    return register
