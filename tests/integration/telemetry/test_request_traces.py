"""The spans of a request down to SQL, as a collector receives them, and its id in response, log and trace."""

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from apps.api.clients.services import GrantRequest, client_create
from embedded.ports import LOOPBACK, free_port
from tests.collector import Collector, Seen, collecting
from tests.integration.telemetry.programs import ROOT, running
from tests.station import Station

TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER: Final = "00f067aa0ba902b7"
UP_WITHIN_S: Final = 60.0
SERVER: Final = 2

OFF: Final = """
import sys
import django
django.setup()
from django.test import Client
assert Client().get("/nowhere", headers={"Host": "127.0.0.1"}).status_code == 404
print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""


@dataclass(frozen=True)
class Answer:
    """A complete response."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Site:
    """A web server with tracing on."""

    port: int
    log: Path

    def get(self, path: str, **headers: str) -> Answer:
        """The complete response over a connection of its own."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=30)
        try:
            connection.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read().decode())
        finally:
            connection.close()

    def spans_counted(self, outcome: str) -> float:
        """The span outcomes that the processes report."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.get("/metrics").text)
            for sample in family.samples
            if sample.name == "anden_tracing_spans_total" and sample.labels == {"outcome": outcome}
        )


@contextmanager
def served(endpoint: str, folder: Path) -> Iterator[Site]:
    """The web server, whose workers are forked after Django is loaded: that is where a fork could break tracing."""
    port, log = free_port(), folder / "web.log"
    environment = {
        **os.environ,
        "ANDEN_TRACING_ENDPOINT": endpoint,
        "ANDEN_TRACING_SAMPLE_RATIO": "1",
        "ANDEN_MONITORING_METRICS_FOLDER": str(folder / "metrics"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
    }
    command = ["gunicorn", "--config", "platform/web/gunicorn.py", "--bind", f"{LOOPBACK}:{port}", "--preload"]
    site = Site(port, log)
    with running(command, environment, log) as process:
        _wait(site, process)
        yield site


def _wait(site: Site, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while True:
        with suppress(OSError, http.client.HTTPException):
            site.get("/healthz")
            return
        assert process.poll() is None, site.log.read_text()
        assert time.monotonic() < deadline, site.log.read_text()
        time.sleep(0.1)


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


@pytest.fixture
def site(station: Station, collector: Collector, tmp_path: Path) -> Iterator[Site]:
    with served(collector.url, tmp_path) as site:
        yield site


@pytest.fixture
def key(station: Station) -> str:
    """The authorization of a client that may read airlines."""
    station.apply(ROOT / "contracts" / "airlines.yaml")
    return f"Bearer {client_create('tracer', [GrantRequest('airlines')])[1]}"


def requests(spans: list[Seen]) -> list[Seen]:
    return [span for span in spans if span.kind == SERVER]


def test_a_request_is_a_span_in_the_callers_trace_and_each_statement_a_child(
    key: str, site: Site, collector: Collector
) -> None:
    answer = site.get(
        "/api/v1/datasets/airlines/records?carrier=UA",
        Authorization=key,
        traceparent=f"00-{TRACE}-{CALLER}-01",
        X_Request_ID="ticket-7",
    )
    assert (answer.status, answer.headers["X-Request-ID"]) == (200, "ticket-7")
    spans = collector.until(lambda spans: bool(requests(spans)))
    (request,) = requests(spans)
    assert (request.trace, request.parent) == (TRACE, CALLER)
    assert request.name == "GET /api/v1/datasets/<str:name>/records"
    assert request.attributes == {
        "http.request.method": "GET",
        "http.route": "/api/v1/datasets/<str:name>/records",
        "http.response.status_code": 200,
        "anden.request_id": "ticket-7",
    }
    statements = [span for span in spans if span.parent == request.identity]
    assert {span.trace for span in statements} == {TRACE}
    operations = {(span.attributes["anden.alias"], span.attributes["db.operation.name"]) for span in statements}
    assert {("default", "read"), ("reader", "read")} <= operations
    assert all(request.began_ns <= span.began_ns <= span.ended_ns <= request.ended_ns for span in statements)
    assert not any("UA" in str(span) for span in spans), "query values must not be traced"


def test_an_export_is_traced_to_its_last_chunk(key: str, site: Site, collector: Collector) -> None:
    assert site.get("/api/v1/datasets/airlines/records.csv", Authorization=key).status == 200
    spans = collector.until(lambda spans: bool(requests(spans)))
    (request,) = requests(spans)
    assert request.attributes["http.route"].endswith("/records.csv")
    reads = [span for span in spans if span.parent == request.identity and span.name == "read reader"]
    assert reads
    assert not request.failed


def test_a_request_id_is_in_its_response_its_log_and_its_span(site: Site, collector: Collector) -> None:
    refused = site.get("/api/v1/datasets", X_Request_ID="not an id!")
    problem = json.loads(refused.text)
    made = refused.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{32}", made)
    assert (refused.status, problem["instance"]) == (401, f"urn:anden:request:{made}")
    missing = site.get("/nowhere", X_Request_ID="ticket-8")
    assert (missing.status, missing.headers["X-Request-ID"]) == (404, "ticket-8")
    spans = requests(collector.until(lambda spans: len(requests(spans)) == 2))
    assert {span.attributes["anden.request_id"] for span in spans} == {made, "ticket-8"}
    assert any("[ticket-8] Not Found: /nowhere" in line for line in site.log.read_text().splitlines())
    assert "/healthz" not in str(collector.spans)


def test_a_caller_who_does_not_sample_is_not_traced(site: Site, collector: Collector) -> None:
    site.get("/nowhere", traceparent=f"00-{TRACE}-{CALLER}-00")
    site.get("/nowhere", X_Request_ID="traced")
    (span,) = requests(collector.until(lambda spans: bool(requests(spans))))
    assert span.attributes["anden.request_id"] == "traced"
    assert span.trace != TRACE
    deadline = time.monotonic() + UP_WITHIN_S
    while site.spans_counted("sent") != len(collector.spans):  # counted once the collector has answered
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_unavailable_collector_costs_spans_and_no_response(station: Station, tmp_path: Path) -> None:
    with served(f"http://{LOOPBACK}:{free_port()}", tmp_path) as site:
        assert [site.get("/nowhere").status for _ in range(5)] == [404] * 5
        deadline = time.monotonic() + UP_WITHIN_S
        while not site.spans_counted("refused"):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert site.get("/nowhere").status == 404
    lines = [line for line in site.log.read_text().splitlines() if "accepts no spans" in line]
    assert 1 <= len(lines) <= 2, "once per worker"
    assert "Traceback" not in site.log.read_text()


def test_without_tracing_opentelemetry_is_not_imported(station: Station) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": f"{ROOT}:{ROOT / 'platform'}",
    }
    done = subprocess.run(
        [sys.executable, "-c", OFF], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
