"""A span collector on the loopback interface: OTLP over HTTP, decoded with OpenTelemetry's messages."""

import gzip
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

WITHIN_S: Final = 30.0


@dataclass(frozen=True)
class Seen:
    """A received span and its resource."""

    name: str
    trace: str
    identity: str
    parent: str
    kind: int
    attributes: dict[str, Any]
    links: tuple[str, ...]
    began_ns: int
    ended_ns: int
    failed: bool
    resource: dict[str, Any]


class Collector:
    """Collects spans."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Seen] = []
        self.changed = threading.Condition()

    def take(self, body: bytes) -> None:
        """Decode one request."""
        request = ExportTraceServiceRequest.FromString(body)
        with self.changed:
            for resource in request.resource_spans:
                origin = plain(resource.resource.attributes)
                self.spans += [seen(span, origin) for scope in resource.scope_spans for span in scope.spans]
            self.changed.notify_all()

    def until(self, enough: Callable[[list[Seen]], bool]) -> list[Seen]:
        """The spans, once enough have arrived."""
        deadline = time.monotonic() + WITHIN_S
        with self.changed:
            while not enough(self.spans):
                assert time.monotonic() < deadline, [span.name for span in self.spans]
                self.changed.wait(0.2)
            return list(self.spans)

    def named(self, name: str) -> list[Seen]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]


def plain(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def seen(span: Any, resource: dict[str, Any]) -> Seen:
    return Seen(
        name=span.name,
        trace=span.trace_id.hex(),
        identity=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        kind=span.kind,
        attributes=plain(span.attributes),
        links=tuple(f"{link.trace_id.hex()}-{link.span_id.hex()}" for link in span.links),
        began_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        failed=span.status.code == 2,
        resource=resource,
    )


@contextmanager
def collecting() -> Iterator[Collector]:
    """A running collector."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces", self.path
            collector.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
