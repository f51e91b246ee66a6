"""Contexts from callers, ids that are safe to log, and a sender that never blocks."""

import logging
import string
import threading
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from prometheus_client import REGISTRY

from apps.telemetry.request_ids import RequestIdFilter, request_context, request_id, valid_request_id
from apps.telemetry.tracing.otel import MAX_QUEUE_SIZE, SpanSender, span_context
from apps.telemetry.tracing.port import DisabledTracing, Tracing, span_scope, traceparent_of
from tests.hostile import spoiled

HEX = st.sampled_from("0123456789abcdef")
LETTERS = {*string.ascii_letters, *string.digits, *"._:-"}


class Blocked(SpanExporter):
    """A collector that accepts nothing until it is released."""

    def __init__(self, answer: SpanExportResult = SpanExportResult.SUCCESS) -> None:
        self.go = threading.Event()
        self.answer = answer
        self.sent = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.go.wait(30)
        self.sent += len(spans)
        return self.answer


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("anden_tracing_spans_total", {"outcome": outcome}) or 0.0


def spans(sender: SpanSender, count: int) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(sender)
    tracer = provider.get_tracer("test")
    for _ in range(count):
        tracer.start_span("one").end()


def test_ending_a_span_never_blocks_and_dropped_spans_are_counted() -> None:
    exporter = Blocked()
    sender = SpanSender(exporter, "http://collector")
    dropped, sent = counted("dropped"), counted("sent")
    spans(sender, 3 * MAX_QUEUE_SIZE)  # ends although the exporter is blocked
    lost = counted("dropped") - dropped
    assert MAX_QUEUE_SIZE <= lost <= 2 * MAX_QUEUE_SIZE
    exporter.go.set()
    sender.shutdown()
    assert exporter.sent == 3 * MAX_QUEUE_SIZE - lost
    assert counted("sent") - sent == exporter.sent


def test_a_failing_collector_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    exporter = Blocked(SpanExportResult.FAILURE)
    exporter.go.set()
    refused = counted("refused")
    sender = SpanSender(exporter, "http://collector")
    with caplog.at_level(logging.WARNING, "apps.tracing"):
        spans(sender, MAX_QUEUE_SIZE)
        sender.shutdown()
    assert counted("refused") - refused == MAX_QUEUE_SIZE
    assert [record.message for record in caplog.records] == [
        "the collector at http://collector accepts no spans; dropping them until it does"
    ]


@given(st.text(HEX, min_size=32, max_size=32), st.text(HEX, min_size=16, max_size=16), st.sampled_from(["00", "01"]))
def test_a_traceparent_names_trace_and_span(trace: str, span: str, flags: str) -> None:
    found = span_context(f"00-{trace}-{span}-{flags}")
    if int(trace, 16) and int(span, 16):
        assert found is not None
        assert (f"{found.trace_id:032x}", f"{found.span_id:016x}", found.trace_flags.sampled) == (
            trace,
            span,
            flags == "01",
        )
    else:
        assert found is None


TRACEPARENTS = st.builds(
    "{}-{}-{}-{}".format,
    st.sampled_from(["00", "01", "cc", "fe", "ff", " ff", "0g"]),
    st.text(HEX, min_size=32, max_size=32) | st.sampled_from(["0" * 32, "1" * 32, "1" * 31 + "g"]),
    st.text(HEX, min_size=16, max_size=16) | st.sampled_from(["0" * 16, "1" * 15 + "_"]),
    st.sampled_from(["00", "01", "ff", "0g", "-1", "0\n", "\u0663\u0663", "01-00"]),
)
PIECES = st.sampled_from(["", " ", "-", "A", "g", "_1", "\u0663", "\n", "-00", "ff"])


@given(spoiled(TRACEPARENTS, PIECES) | st.text())
def test_only_a_traceparent_names_a_trace(text: str) -> None:
    found = span_context(text)
    if found is not None:
        version, *parts = text.strip().split("-")
        assert version != "ff"
        assert parts == [f"{found.trace_id:032x}", f"{found.span_id:016x}", f"{found.trace_flags:02x}"]
        assert found.trace_id
        assert found.span_id


@pytest.mark.parametrize(
    "text",
    [
        f"ff-{'1' * 32}-{'1' * 16}-01",
        f" ff-{'1' * 32}-{'1' * 16}-01",
        f"00-{'0' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'0' * 16}-01",
        f"00-{'A' * 32}-{'1' * 16}-01",
        f"00-{'1' * 32}-{'1' * 16}-01-00",
    ],
)
def test_an_invalid_traceparent_names_no_trace(text: str) -> None:
    assert span_context(text) is None


SOUND = st.text(st.sampled_from("azAZ09._:-"), min_size=1, max_size=66)


@given(spoiled(SOUND, st.sampled_from(["", "\n", " ", "\x1b", "\u0663", "\u00e9", "%", '"'])) | st.text())
def test_an_id_is_safe_to_log_whatever_was_sent(sent: str) -> None:
    identifier = valid_request_id(sent)
    assert identifier.isascii()
    assert identifier.isprintable()
    assert not {*identifier} & {*' %"'}
    assert 1 <= len(identifier) <= 64
    assert valid_request_id(identifier) == identifier
    assert (identifier == sent) == (1 <= len(sent) <= 64 and {*sent} <= LETTERS)


def test_a_log_line_names_its_request() -> None:
    def named() -> str:
        record = logging.LogRecord("a", logging.INFO, "", 0, "x", None, None)
        RequestIdFilter().filter(record)
        return str(record.__dict__["in_request"])

    with request_context("ticket-9"):
        assert (request_id(), named()) == ("ticket-9", " [ticket-9]")
    assert (request_id(), named()) == ("", "")


def test_the_traceparent_header_of_a_record_is_case_insensitive() -> None:
    assert traceparent_of([("a", b"1"), ("TraceParent", b"00-ab")]) == "00-ab"
    assert traceparent_of([("traceparent", None)]) == traceparent_of(None) == ""


def test_disabled_tracing_does_nothing() -> None:
    silent: Tracing = DisabledTracing()
    assert not silent.on
    assert silent.begin("x") is silent.current() is None
    with span_scope(None):
        silent.close()
