"""Traces: spans for an OpenTelemetry collector, or none if no collector is configured.

The choice is made once, at startup: if tracing is off, OpenTelemetry is not even imported.
"""

from apps.telemetry.tracing.port import DisabledTracing, Tracing

_tracing: Tracing = DisabledTracing()


def start_tracing(*, endpoint: str | None, sample_ratio: float, service: str) -> None:
    """Send spans to the collector at this endpoint from now on; None turns tracing off. Call once, from the
    settings."""
    global _tracing  # noqa: PLW0603 - one collector per process, like its one metrics registry
    if endpoint is None:
        _tracing = DisabledTracing()
        return
    from apps.telemetry.tracing.otel import OtelTracing  # noqa: PLC0415 - saves 0.2 s when tracing is off

    _tracing = OtelTracing(endpoint=endpoint, sample_ratio=sample_ratio, service=service)


def tracing() -> Tracing:
    """How this process traces."""
    return _tracing
