"""Ten thousand services: the mechanisms that keep the cost low, and the measured seconds."""

import resource
import time
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.exporters.registry import FLEET_COLLECTOR
from apps.fleet.models.fleet import FleetDetail, FleetEvaluation
from apps.fleet.selectors.fleet import fleet_view
from apps.fleet.services.evaluation import fleet_evaluate
from tests.integration.fleet.conftest import HeldSource
from tests.station import Station

SERVICES = 10_000


def test_ten_thousand_services_are_stored_shown_and_exported(
    station: Station, capsys: pytest.CaptureFixture[str]
) -> None:
    source = HeldSource(services=SERVICES)
    source.names = tuple(f"service-{number:05}" for number in range(SERVICES))
    source.factors = {("service-04711", "latency_p95"): 3}
    source.silent = {"service-00815"}
    at_s = time.time() - 61
    first, second = fleet_evaluate(source, at_s=at_s), fleet_evaluate(source, at_s=at_s + 60)
    began_s = time.perf_counter()
    view = fleet_view(datetime.fromtimestamp(at_s + 60, UTC))
    view_s = time.perf_counter() - began_s
    registry = CollectorRegistry()
    registry.register(FLEET_COLLECTOR)
    began_s = time.perf_counter()
    page = generate_latest(registry)
    scrape_s = time.perf_counter() - began_s
    row = FleetEvaluation.objects.latest("at")
    history = sum(len(data) for data in (row.service_ids, row.worst, row.states))
    kept = FleetDetail.objects.get()
    detail = len(kept.score) + len(kept.value) + len(kept.ratio)
    with capsys.disabled():
        print(  # noqa: T201 - the figures are the point
            f"\n{SERVICES:,} services: scored {second.score_s:.1f} s, stored {first.store_s:.1f} s the first time, "
            f"{second.store_s:.1f} s then; view {view_s:.2f} s; scrape {scrape_s:.2f} s of {len(page) / 1e6:.1f} MB; "
            f"{history / 1e3:.0f} kB an evaluation, {detail / 1e3:.0f} kB "
            f"of detail; peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
        )
    assert [row.service for row in view.worst] == ["service-04711"]
    assert view.counts == {
        ServiceState.OK: SERVICES - 2,
        ServiceState.OUTLIER: 1,
        ServiceState.NO_DATA: 1,
        ServiceState.LEARNING: 0,
    }
    assert view.heat.shape == (50, 2)
    assert history < 4 * SERVICES, "a stored evaluation takes a few bytes per service"
    series = [line for line in page.decode().splitlines() if line.startswith("anden_fleet_") and '"service-' in line]
    assert len(series) == 7 * SERVICES - 6, "six scores and a state; without data no score"
