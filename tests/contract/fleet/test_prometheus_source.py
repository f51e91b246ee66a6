"""The Prometheus source returns the same from the fake and from a real server."""

import math
import time
from collections.abc import Iterator

import numpy as np
import pytest

from apps.fleet.engine.observation import Observation
from apps.fleet.engine.observation_builder import INDEX
from apps.fleet.engine.signal_queries import SignalQueries
from apps.fleet.engine.span import DAY_S, ObservationSpan
from apps.fleet.sources.prometheus_api import PrometheusApi
from apps.fleet.sources.prometheus_source import PrometheusSource
from apps.telemetry.errors import SourceRefused, SourceUnavailable
from tests.contract.fleet.prometheuses import Laid, fake, real

AT_S = float(int(time.time() // 3600) * 3600 - 7200)
SPAN = ObservationSpan(window_s=600, step_s=60, days=2)
LATENCY = INDEX["latency_p95"]


def _samples(value: float, *, day: int = 0, until_s: float = AT_S) -> list[tuple[float, float]]:
    """A sample every half minute, starting before the window."""
    first_s, last_s = AT_S - 1200 - day * DAY_S, until_s - day * DAY_S
    return [(first_s + 30 * number + 7, value) for number in range(int((last_s - first_s - 7) // 30) + 1)]


def _rises(value: float, *, until_s: float = AT_S) -> list[tuple[float, float]]:
    """Three days: 3, 2 and 1 times the value."""
    return [*_samples(3 * value, day=2), *_samples(2 * value, day=1), *_samples(value, until_s=until_s)]


SERIES = (
    Laid("latency", {"service_name": "alpha"}, _rises(0.1)),
    Laid("latency", {"service_name": "vanished"}, _rises(0.1)[: -len(_samples(0.1))]),
    Laid("latency", {"service_name": "silent"}, _rises(0.1, until_s=AT_S - 480)),
    Laid("latency", {"service_name": "odd"}, [*_samples(math.nan, day=1), *_samples(math.inf)]),
    Laid("twice", {"service_name": "alpha", "replica": "1"}, _samples(1)),
    Laid("twice", {"service_name": "alpha", "replica": "2"}, _samples(2)),
    Laid("nameless", {"job": "web"}, _samples(1)),
    Laid("place", {"service_name": "alpha", "zone": "b"}, _samples(1)),
    Laid("place", {"service_name": "silent", "zone": "b"}, _samples(1)),
    Laid("place", {"service_name": "silent", "zone": "c"}, _samples(1)),
    Laid("place", {"service_name": "stranger", "zone": "c"}, _samples(1)),
    Laid("deploy", {"service_name": "alpha"}, _samples(AT_S - 900)),
    Laid("daylong", {"service_name": "alpha"}, [(AT_S - DAY_S + 60 * n, float(n)) for n in range(1441)]),
)


@pytest.fixture(scope="module", params=["fake", "real"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fake(SERIES) if request.param == "fake" else real(SERIES, tmp_path_factory.mktemp("prometheus")) as address:
        yield address


def _source(url: str, queries: SignalQueries, span: ObservationSpan = SPAN) -> PrometheusSource:
    return PrometheusSource(PrometheusApi(url, headers={}, timeout_s=30, most_bytes=1 << 26), queries, span)


def _row(observation: Observation, service: str) -> int:
    return observation.services.index(service)


def test_current_and_earlier_days_arrive_unchanged(url: str) -> None:
    found = _source(url, SignalQueries(signals={"latency_p95": "latency"})).observe(AT_S)
    assert found.services == ("alpha", "odd", "silent", "vanished")
    alpha = _row(found, "alpha")
    assert np.allclose(found.now[alpha, LATENCY], 0.1)
    assert np.allclose(found.past[alpha, LATENCY], [[0.2] * 10, [0.3] * 10])
    others = [place for place in INDEX.values() if place != LATENCY]
    assert np.isnan(found.now[:, others]).all()


def test_a_vanished_service_has_a_past_but_no_current_values(url: str) -> None:
    found = _source(url, SignalQueries(signals={"latency_p95": "latency"})).observe(AT_S)
    vanished, silent = _row(found, "vanished"), _row(found, "silent")
    assert np.isnan(found.now[vanished]).all()
    assert np.isfinite(found.past[vanished, LATENCY]).all()
    # The last sample is eight minutes old and counts for five.
    assert np.isfinite(found.now[silent, LATENCY]).tolist() == [True] * 6 + [False] * 4


def test_nan_and_infinities_become_no_data(url: str) -> None:
    found = _source(url, SignalQueries(signals={"latency_p95": "latency"})).observe(AT_S)
    odd = _row(found, "odd")
    assert np.isnan(found.now[odd]).all()
    assert np.isnan(found.past[odd]).all()


def test_a_later_evaluation_equals_a_fresh_one(url: str) -> None:
    queries = SignalQueries(signals={"latency_p95": "latency"})
    lasting = _source(url, queries)
    for at_s in (AT_S - 300, AT_S - 240, AT_S - 240, AT_S - 60, AT_S, AT_S - 120):
        seen, fresh = lasting.observe(at_s), _source(url, queries).observe(at_s)
        assert seen.services == fresh.services
        np.testing.assert_array_equal(seen.now, fresh.now)
        np.testing.assert_array_equal(seen.past, fresh.past)


def test_long_windows_are_requested_in_parts(url: str) -> None:
    span = ObservationSpan(window_s=DAY_S, step_s=5, days=0)
    found = _source(url, SignalQueries(signals={"latency_p95": "daylong"}), span).observe(AT_S)
    minutes = (found.times_s - (AT_S - DAY_S)) // 60
    assert len(found.times_s) == 17_280
    np.testing.assert_array_equal(found.now[0, LATENCY], minutes)


def test_zones_and_deploys_come_from_separate_queries(url: str) -> None:
    queries = SignalQueries(signals={"latency_p95": "latency"}, zones="place", zone_label="zone", deployed="deploy")
    found = _source(url, queries).observe(AT_S)
    zones = dict(zip(found.services, found.zones, strict=True))
    assert zones == {"alpha": "b", "odd": "", "silent": "", "vanished": ""}, "a service in two zones has no zone"
    assert found.deployed_s[_row(found, "alpha")] == AT_S - 900
    assert np.isnan(found.deployed_s[_row(found, "odd")])


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("latency{", "refuses the signal latency_p95 \\(400, bad_data: .*parse error.*\\): latency{"),
        ("twice", "latency_p95 returned several series for the service alpha: aggregate by \\(service_name\\)"),
        ("nameless", "latency_p95 returned a series without the label service_name"),
    ],
)
def test_an_unusable_query_is_reported_with_its_signal(url: str, query: str, complaint: str) -> None:
    with pytest.raises(SourceRefused, match=complaint):
        _source(url, SignalQueries(signals={"latency_p95": query})).observe(AT_S)


def test_an_empty_prometheus_raises_source_unavailable(url: str) -> None:
    with pytest.raises(
        SourceUnavailable, match=r"no query returned a series: `manage.py fleet queries` prints the queries"
    ):
        _source(url, SignalQueries(signals={"latency_p95": "latency"})).observe(AT_S - 30 * DAY_S)
