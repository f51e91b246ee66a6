"""The port that traced code uses, and its no-op implementation."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

AttributeValue = str | int | float | bool
Attributes = Mapping[str, AttributeValue]


class OpenSpan(Protocol):
    """A started span. Times are nanoseconds since 1970; the default is now."""

    def child(
        self, name: str, *, began_ns: int, ended_ns: int, attributes: Attributes | None = None, error: str = ""
    ) -> None:
        """Add a finished child span."""

    def link(self, traceparent: str) -> None:
        """Link to another trace, if the traceparent is valid."""

    def end(self, attributes: Attributes, *, error: str = "") -> None:
        """End the span, with its error if any. The attribute anden.name becomes its name, which is only known now."""

    def current(self) -> AbstractContextManager[None]:
        """Make this the span that `Tracing.current` returns within the block, in this thread."""


class Tracing(Protocol):
    """Starts spans."""

    on: bool

    def current(self) -> OpenSpan | None:
        """This thread's current span; None if no span is recorded."""

    def begin(
        self, name: str, *, server: bool = False, traceparent: str = "", began_ns: int | None = None
    ) -> OpenSpan | None:
        """A new span, in the caller's trace if `traceparent` names one; None if it is not sampled."""

    def close(self) -> None:
        """Send queued spans, for at most two seconds."""


class DisabledTracing:
    """Tracing that is off."""

    on = False

    def current(self) -> None:
        """Return None: no span is recorded."""

    def begin(self, name: str, *, server: bool = False, traceparent: str = "", began_ns: int | None = None) -> None:
        """Return None: no span is recorded."""

    def close(self) -> None:
        """Do nothing: no span is queued."""


def span_scope(span: OpenSpan | None) -> AbstractContextManager[None]:
    """The span's block; a no-op without a span."""
    return nullcontext() if span is None else span.current()


def traceparent_of(headers: Sequence[tuple[str, bytes | None]] | None) -> str:
    """The W3C trace context of a record's headers; "" if there is no such header."""
    for name, value in headers or ():
        if name.lower() == "traceparent" and value:
            return value.decode("ascii", errors="replace")
    return ""
