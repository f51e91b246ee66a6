"""Traces: what the processes tell an OpenTelemetry collector, or nothing at all where none is named.

Which of the two is chosen once, at the start: where tracing is off, OpenTelemetry is not even imported.
"""

from apps.telemetry.tracing.port import DisabledTracing, Tracing

_tracing: Tracing = DisabledTracing()


def start_tracing(*, endpoint: str | None, sample_ratio: float, service: str) -> None:
    """Trace from now on to the collector at this endpoint; None: do not trace. Called once, by the settings."""
    global _tracing  # noqa: PLW0603 - one process tells one collector, as it has one registry of metrics
    if endpoint is None:
        _tracing = DisabledTracing()
        return
    from apps.telemetry.tracing.otel import OtelTracing  # noqa: PLC0415 - 0.2 s that nobody pays who does not trace

    _tracing = OtelTracing(endpoint=endpoint, sample_ratio=sample_ratio, service=service)


def tracing() -> Tracing:
    """How this process traces."""
    return _tracing
