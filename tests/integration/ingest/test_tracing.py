"""Traces of records from poll to commit, as a collector receives them."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from apps.telemetry.tracing.current import start_tracing, tracing
from tests.collector import Collector, Seen, collecting
from tests.integration.ingest.conftest import Line
from tests.unit.ingest.world import EVENTS, things

PRODUCER = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector that receives all spans of this process."""
    with collecting() as collector:
        start_tracing(endpoint=collector.url, sample_ratio=1, service="anden-test")
        try:
            yield collector
        finally:
            tracing().close()
            start_tracing(endpoint=None, sample_ratio=0, service="")


def children(spans: list[Seen], parent: Seen) -> list[Seen]:
    found = [span for span in spans if span.parent == parent.identity]
    assert {span.trace for span in found} <= {parent.trace}
    return sorted(found, key=lambda span: span.began_ns)


def batches(spans: list[Seen]) -> list[Seen]:
    return sorted((span for span in spans if span.name == "batch things"), key=lambda span: span.began_ns)


def test_a_batch_is_one_span_from_its_first_poll_to_its_commit(line: Line, collector: Collector) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    line.send(*things(300), b"no JSON")
    moved = line.run("things", batch_rows=100, chunk_records=50)
    assert (moved.rows, moved.rejects) == (300, 1)
    committed = line.query("SELECT count(*) FROM datasets_batch")[0][0]
    tracing().close()
    spans = collector.until(lambda spans: len(batches(spans)) == committed)
    found = batches(spans)
    assert len(found) > 1
    assert sum(span.attributes["anden.rows"] for span in found) == 300
    assert sum(span.attributes["anden.rejects"] for span in found) == 1
    for span in found:
        inner = children(spans, span)
        assert {"decode", "copy", "commit"} <= {child.name for child in inner}
        assert inner[-1].name == "commit"
        assert all(span.began_ns <= child.began_ns <= child.ended_ns <= span.ended_ns for child in inner)
        assert (span.parent, span.kind, span.failed) == ("", 5, False)
        assert span.attributes["messaging.destination.name"] == line.topic
        assert span.resource["service.name"] == "anden-test"
    first = children(spans, found[0])
    assert (first[0].name, first[0].began_ns) == ("poll", found[0].began_ns)
    # Empty polls create no spans.
    assert {span.name for span in spans} == {"batch things", "poll", "decode", "copy", "commit"}
    assert len(spans) == len(found) + sum(len(children(spans, span)) for span in found)


def test_a_batch_links_to_the_traces_of_its_records(line: Line, collector: Collector) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    producer = Producer({"bootstrap.servers": line.kafka.bootstrap})
    headers = [b"00-" + PRODUCER.encode() + b"-01", b"nonsense", b"\xff"]
    for header in headers:
        producer.produce(line.topic, b'{"id": 1}', headers=[("traceparent", header)], partition=0)
    assert producer.flush(30) == 0
    line.run("things")
    tracing().close()
    (span,) = batches(collector.until(lambda spans: bool(batches(spans))))
    assert span.links == (PRODUCER,)
    assert span.trace != PRODUCER.partition("-")[0]


def test_a_discarded_batch_has_its_error_in_its_span(line: Line, collector: Collector) -> None:
    line.apply(EVENTS, mode="append")
    line.make()
    line.send(*things(5))
    with line.station.admin() as connection:
        connection.execute("REVOKE INSERT ON data.things FROM anden_ingest")
    line.start("things")
    failed = [span for span in collector.until(lambda spans: any(span.failed for span in spans)) if span.failed]
    line.stop()
    assert {span.name for span in failed} == {"batch"}
    assert {span.attributes["error.type"] for span in failed} == {"TableUnavailable"}
