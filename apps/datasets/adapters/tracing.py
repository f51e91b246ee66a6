"""Traces: what the processes tell an OpenTelemetry collector, or nothing at all where none is named.

Which of the two is chosen once, at the start: where tracing is off, OpenTelemetry is not even imported.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

Value = str | int | float | bool
Attributes = Mapping[str, Value]


class OpenSpan(Protocol):
    """A span that has begun. Times are nanoseconds since 1970; without one it is now."""

    def child(
        self, name: str, *, began_ns: int, ended_ns: int, attributes: Attributes | None = None, error: str = ""
    ) -> None:
        """Note something that began and ended within."""

    def link(self, traceparent: str) -> None:
        """Point to another trace, if that is one."""

    def end(self, attributes: Attributes, *, error: str = "") -> None:
        """End it; an error says which. The attribute anden.name becomes its name: it is known only now."""

    def current(self) -> AbstractContextManager[None]:
        """Have `Tracing.current` answer with it inside of the block, in this thread."""


class Tracing(Protocol):
    """Where spans begin."""

    on: bool

    def current(self) -> OpenSpan | None:
        """The span that this thread is in; None where there is none that is recorded."""

    def begin(
        self, name: str, *, server: bool = False, traceparent: str = "", began_ns: int | None = None
    ) -> OpenSpan | None:
        """A new span, part of the caller's trace where `traceparent` names one; None when it is not sampled."""

    def close(self) -> None:
        """Send what waits, for two seconds at most."""


class NoTracing:
    """Tells nobody anything."""

    on = False

    def current(self) -> None:
        """None."""

    def begin(self, name: str, *, server: bool = False, traceparent: str = "", began_ns: int | None = None) -> None:
        """None."""

    def close(self) -> None:
        """Nothing waits."""


_tracing: Tracing = NoTracing()


def start_tracing(*, endpoint: str | None, sample_ratio: float, service: str) -> None:
    """Trace from now on to the collector at this endpoint; None: do not trace. Called once, by the settings."""
    global _tracing  # noqa: PLW0603 - one process tells one collector, as it has one registry of metrics
    if endpoint is None:
        _tracing = NoTracing()
        return
    from apps.datasets.adapters.spans import OtelTracing  # noqa: PLC0415 - 0.2 s that nobody pays who does not trace

    _tracing = OtelTracing(endpoint=endpoint, sample_ratio=sample_ratio, service=service)


def tracing() -> Tracing:
    """How this process traces."""
    return _tracing


def inside(span: OpenSpan | None) -> AbstractContextManager[None]:
    """The span's block; a plain one where there is no span."""
    return nullcontext() if span is None else span.current()


def traceparent_of(headers: Sequence[tuple[str, bytes | None]] | None) -> str:
    """The W3C trace context that a record carries; "" when it carries none."""
    for name, value in headers or ():
        if name.lower() == "traceparent" and value:
            return value.decode("ascii", errors="replace")
    return ""
