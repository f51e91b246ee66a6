"""Errors of a Prometheus that is unavailable, slow, busy, strict, or another program."""

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from apps.fleet.engine.signal_queries import SignalQueries
from apps.fleet.engine.span import ObservationSpan
from apps.fleet.errors import SourceInvalid
from apps.fleet.sources import prometheus_source
from apps.fleet.sources.prometheus_api import PrometheusApi
from apps.fleet.sources.prometheus_source import PrometheusSource
from apps.telemetry.errors import MonitoringError, SourceRefused, SourceUnavailable
from tests.fakes.prometheus import FakePrometheus, FakeSeries, serving

AT_S = 1_800_000_000.0
SPAN = ObservationSpan(window_s=600, step_s=60, days=1)


@pytest.fixture
def prometheus() -> FakePrometheus:
    return FakePrometheus({"latency": [FakeSeries({"service_name": "alpha"}, [(AT_S - 60, 0.5)])]})


@pytest.fixture
def url(prometheus: FakePrometheus) -> Iterator[str]:
    with serving(prometheus) as address:
        yield address


def _source(url: str, *, timeout_s: float = 20, most_bytes: int = 1 << 20) -> PrometheusSource:
    api = PrometheusApi(url, headers={"X-Scope-OrgID": "one"}, timeout_s=timeout_s, most_bytes=most_bytes)
    return PrometheusSource(api, SignalQueries(signals={"latency_p95": "latency"}), SPAN)


def _error(kind: str, error: str) -> bytes:
    return json.dumps({"status": "error", "errorType": kind, "error": error}).encode()


@pytest.mark.parametrize(
    ("status", "body", "reaction", "words"),
    [
        (503, _error("timeout", "query timed out"), SourceUnavailable, "too busy for the signal latency_p95 (503"),
        (429, b"slow down", SourceUnavailable, "answers 429 for the signal latency_p95"),
        (502, b"<html>bad gateway</html>", SourceUnavailable, "answers 502"),
        (500, b"", SourceUnavailable, "answers 500"),
        (422, _error("execution", "found duplicate series"), SourceRefused, "(422, execution: found duplicate"),
        (400, _error("bad_data", "parse error"), SourceRefused, "refuses the signal latency_p95 (400, bad_data"),
        (401, b"who are you", SourceRefused, "check ANDEN_FLEET_PROMETHEUS_HEADERS"),
        (401, b'{"status": 401, "title": "a problem"}', SourceRefused, "check ANDEN_FLEET_PROMETHEUS_HEADERS"),
        (302, b"", SourceRefused, "is not a Prometheus server: it answers 302"),
        (
            200,
            b"<html>Welcome</html>",
            SourceRefused,
            "is not a Prometheus server: it answers 200 and '<html>Welcome</html>'",
        ),
        (200, b"[]", SourceRefused, "is not a Prometheus server"),
        (200, b'{"status": "success", "data"', SourceRefused, "is not a Prometheus server"),
        (
            200,
            b'{"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}}',
            SourceRefused,
            "returned a scalar instead of a matrix: latency",
        ),
        (
            200,
            b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [["x"]]}]}}',
            SourceInvalid,
            "response of Prometheus for the signal latency_p95 cannot be parsed",
        ),
    ],
)
def test_each_response_raises_its_error_with_query_and_url(
    prometheus: FakePrometheus,
    url: str,
    status: int,
    body: bytes,
    reaction: type[MonitoringError],
    words: str,
) -> None:
    prometheus.next_answers.append((status, body))
    with pytest.raises(reaction) as caught:
        _source(url).observe(AT_S)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unavailable_server_is_named_without_its_password() -> None:
    with serving(FakePrometheus()) as address:
        gone = address
    with pytest.raises(SourceUnavailable, match="does not respond") as caught:
        _source(gone.replace("//", "//me:secret@")).observe(AT_S)
    assert "secret" not in str(caught.value)
    assert gone.removeprefix("http://") in str(caught.value)


def test_a_slow_server_times_out(prometheus: FakePrometheus, url: str) -> None:
    over = threading.Event()
    prometheus.hold = lambda: (over.wait(30), None)[1]
    try:
        with pytest.raises(SourceUnavailable, match=r"took more than 0.2 s for the signal latency_p95"):
            _source(url, timeout_s=0.2).observe(AT_S)
    finally:
        over.set()


def test_an_oversized_response_is_not_read_to_its_end(prometheus: FakePrometheus, url: str) -> None:
    prometheus.next_answers.append((200, b" " * (4 << 20)))
    with pytest.raises(SourceRefused, match="more than 1 MB for the signal latency_p95"):
        _source(url).observe(AT_S)


def test_too_many_services_are_refused(prometheus: FakePrometheus, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus_source, "MOST_SERVICES", 10)
    sample = [(AT_S - 60, 1.0)]
    prometheus.results["latency"] = [FakeSeries({"service_name": f"pod-{number}"}, sample) for number in range(11)]
    with pytest.raises(SourceRefused, match="latency_p95 returned more than 10 services"):
        _source(url).observe(AT_S)


def test_a_partial_response_is_used_and_its_warning_logged(
    prometheus: FakePrometheus, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    prometheus.warnings = ["store gateway 3 is missing"]
    with caplog.at_level(logging.WARNING):
        found = _source(url).observe(AT_S)
    assert found.services == ("alpha",)
    assert "store gateway 3 is missing" in caplog.text


def test_headers_are_sent_and_the_past_is_requested_once(prometheus: FakePrometheus, url: str) -> None:
    source = _source(url)
    source.observe(AT_S)
    assert {headers["X-Scope-OrgID"] for headers in prometheus.headers} == {"one"}
    prometheus.asked.clear()
    source.observe(AT_S)
    assert [asked["end"] for asked in prometheus.asked] == [f"{AT_S:.0f}"], "yesterday has not changed"
    prometheus.asked.clear()
    source.observe(AT_S + 120)
    asked = [(float(asked["start"]) - AT_S, float(asked["end"]) - AT_S) for asked in prometheus.asked]
    assert asked == [(-420, 120), (60 - 86_400, 120 - 86_400)]


def test_an_unavailable_prometheus_keeps_cached_days(prometheus: FakePrometheus, url: str) -> None:
    source = _source(url)
    source.observe(AT_S)
    prometheus.next_answers.append((503, b""))
    with pytest.raises(SourceUnavailable):
        source.observe(AT_S + 60)
    assert source.observe(AT_S + 60).services == ("alpha",)
