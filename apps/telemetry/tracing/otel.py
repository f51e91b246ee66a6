"""Tracing with OpenTelemetry: a few spans of our own, sent by one background thread."""

import atexit
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from apps.telemetry import prometheus
from apps.telemetry.metrics import SPANS
from apps.telemetry.tracing.port import Attributes

logger = logging.getLogger("apps.tracing")

MAX_QUEUE_SIZE: Final = 2_048
"""Spans that may wait for the collector; more are dropped and counted."""

MAX_EXPORT_BATCH_SIZE: Final = 512
SCHEDULE_DELAY_S: Final = 1.0
EXPORT_TIMEOUT_S: Final = 5.0
SHUTDOWN_TIMEOUT_S: Final = 2.0
MAX_CHILD_SPANS: Final = 128
"""Children of one span; anden.dropped_children counts the rest."""

_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-(?P<span>[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})")


class OtelTracing:
    """Spans to an OTLP/HTTP collector. The first span of each process starts provider and thread: after forks."""

    on = True

    def __init__(self, *, endpoint: str, sample_ratio: float, service: str) -> None:
        base = endpoint.rstrip("/")
        self._endpoint = base if base.endswith("/v1/traces") else f"{base}/v1/traces"
        self._sample_ratio = sample_ratio
        self._service = service
        self._lock = threading.Lock()
        self._tracer: trace.Tracer | None = None
        self._provider: TracerProvider | None = None
        os.register_at_fork(after_in_child=self._reset)
        atexit.register(self.close)
        # The exporter warns on every attempt; SpanSender logs once that the collector is unavailable.
        logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)

    def current(self) -> "OtelSpan | None":
        """This thread's current span, if it is recorded."""
        found = otel_context.get_value(_OPEN)
        return found if isinstance(found, OtelSpan) else None

    def begin(
        self, name: str, *, server: bool = False, traceparent: str = "", began_ns: int | None = None
    ) -> "OtelSpan | None":
        """A new span in the caller's trace or in a new one; None if it is not sampled."""
        caller = span_context(traceparent)
        parent = otel_context.Context()
        if caller is not None:
            parent = trace.set_span_in_context(trace.NonRecordingSpan(caller), parent)
        kind = trace.SpanKind.SERVER if server else trace.SpanKind.CONSUMER
        tracer = self._tracer or self._start()
        span = tracer.start_span(name, parent, kind=kind, start_time=began_ns)
        return OtelSpan(tracer, span) if span.is_recording() else None

    def close(self) -> None:
        """Send queued spans, for at most two seconds."""
        if self._provider is not None:
            self._provider.shutdown()
            self._reset()

    def _start(self) -> trace.Tracer:
        with self._lock:
            if self._tracer is None:
                self._provider = TracerProvider(
                    sampler=ParentBased(TraceIdRatioBased(self._sample_ratio)),
                    resource=Resource.create({"service.name": self._service, "process.pid": os.getpid()}),
                    span_limits=SpanLimits(max_links=32),
                    shutdown_on_exit=False,
                )
                exporter = OTLPSpanExporter(endpoint=self._endpoint, timeout=EXPORT_TIMEOUT_S)
                self._provider.add_span_processor(SpanSender(exporter, self._endpoint))
                self._tracer = self._provider.get_tracer("anden")
            return self._tracer

    def _reset(self) -> None:
        """Reset in a forked child: threads do not survive a fork, and one of them may hold the lock."""
        self._lock = threading.Lock()
        self._tracer = self._provider = None


_OPEN: Final = otel_context.create_key("anden-open-span")


class OtelSpan:
    """A started span that is recorded."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span
        self._parent = trace.set_span_in_context(span, otel_context.Context())
        self._children = self._dropped_children = 0

    def child(
        self, name: str, *, began_ns: int, ended_ns: int, attributes: Attributes | None = None, error: str = ""
    ) -> None:
        """Add a finished child span."""
        if self._children >= MAX_CHILD_SPANS:
            self._dropped_children += 1
            return
        self._children += 1
        # A caller's clock may step back; a span must not.
        child = self._tracer.start_span(
            name, self._parent, kind=trace.SpanKind.CLIENT, attributes=attributes, start_time=began_ns
        )
        _fail(child, error)
        child.end(max(began_ns, ended_ns))

    def link(self, traceparent: str) -> None:
        """Link to another trace, if the traceparent is valid."""
        other = span_context(traceparent)
        if other is not None:
            self._span.add_link(other)

    def end(self, attributes: Attributes, *, error: str = "") -> None:
        """End the span, with its error if any. The attribute anden.name becomes its name, which is only known now."""
        remaining = dict(attributes)
        if name := remaining.pop("anden.name", ""):
            self._span.update_name(str(name))
        self._span.set_attributes(remaining)
        if self._dropped_children:
            self._span.set_attribute("anden.dropped_children", self._dropped_children)
        _fail(self._span, error)
        self._span.end()

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make this the span that `OtelTracing.current` returns within the block."""
        token = otel_context.attach(otel_context.set_value(_OPEN, self))
        try:
            yield
        finally:
            otel_context.detach(token)


def _fail(span: trace.Span, error: str) -> None:
    if error:
        span.set_attribute("error.type", error)
        span.set_status(trace.Status(trace.StatusCode.ERROR))


def span_context(traceparent: str) -> trace.SpanContext | None:
    """The context of a W3C traceparent; None if it is invalid.

    Source: https://www.w3.org/TR/trace-context/#traceparent-header
    """
    match = _TRACEPARENT.fullmatch(traceparent.strip())
    if match is None or match[0].startswith("ff"):
        return None
    found = trace.SpanContext(
        int(match["trace"], 16),
        int(match["span"], 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(match["flags"], 16)),
    )
    return found if found.is_valid else None


class SpanSender(SpanProcessor):
    """Sends finished spans to the collector from a background thread; drops and counts them if the queue is full."""

    def __init__(self, exporter: SpanExporter, endpoint: str) -> None:
        self._exporter = exporter
        self._endpoint = endpoint
        self._waiting: queue.Queue[ReadableSpan | None] = queue.Queue(MAX_QUEUE_SIZE)
        self._away = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="anden-spans", daemon=True)
        self._thread.start()

    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span or drop it, without waiting."""
        try:
            self._waiting.put_nowait(span)
        except queue.Full:
            _count("dropped", 1)

    def shutdown(self) -> None:
        """Send queued spans, for at most two seconds; drop the rest."""
        if self._closing.is_set():
            return
        self._closing.set()
        with suppress(queue.Full):
            self._waiting.put_nowait(None)
        self._thread.join(SHUTDOWN_TIMEOUT_S)
        if left := self._waiting.qsize():
            _count("dropped", left)
        self._exporter.shutdown()

    def _run(self) -> None:
        while not (self._closing.is_set() and self._waiting.empty()):
            spans = self._next_batch()
            if spans:
                self._send(spans)

    def _next_batch(self) -> list[ReadableSpan]:
        """The spans of one second, at most 512."""
        spans: list[ReadableSpan] = []
        deadline_s = time.monotonic() + SCHEDULE_DELAY_S
        while len(spans) < MAX_EXPORT_BATCH_SIZE:
            try:
                span = self._waiting.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except queue.Empty:
                break
            if span is None:
                break
            spans.append(span)
        return spans

    def _send(self, spans: list[ReadableSpan]) -> None:
        try:
            sent = self._exporter.export(spans) is SpanExportResult.SUCCESS
        except Exception:  # noqa: BLE001 - no error may end the thread
            sent = False
        _count("sent" if sent else "refused", len(spans))
        if not sent and not self._away:
            logger.warning("the collector at %s accepts no spans; dropping them until it does", self._endpoint)
        elif sent and self._away:
            logger.info("the collector at %s accepts spans again", self._endpoint)
        self._away = not sent


def _count(outcome: str, spans: int) -> None:
    prometheus.counter(SPANS).labels(outcome).inc(spans)
