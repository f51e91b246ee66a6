"""What a span is to the code that is traced, and the tracing that tells nobody anything."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

AttributeValue = str | int | float | bool
Attributes = Mapping[str, AttributeValue]


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


class DisabledTracing:
    """Tells nobody anything."""

    on = False

    def current(self) -> None:
        """None."""

    def begin(self, name: str, *, server: bool = False, traceparent: str = "", began_ns: int | None = None) -> None:
        """None."""

    def close(self) -> None:
        """Nothing waits."""


def span_scope(span: OpenSpan | None) -> AbstractContextManager[None]:
    """The span's block; a plain one where there is no span."""
    return nullcontext() if span is None else span.current()


def traceparent_of(headers: Sequence[tuple[str, bytes | None]] | None) -> str:
    """The W3C trace context that a record carries; "" when it carries none."""
    for name, value in headers or ():
        if name.lower() == "traceparent" and value:
            return value.decode("ascii", errors="replace")
    return ""
