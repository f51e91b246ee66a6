"""The fleet's series: vanished services, stale evaluations, and several processes."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import CollectorRegistry, generate_latest

from apps.fleet.engine.evaluation import SHIFTED_WITH_ZONE, Evaluation, ServiceState
from apps.fleet.engine.signals import SIGNALS
from apps.fleet.exporters.fleet_collector import FILE, FleetCollector
from tests.evaluations import evaluation, flag


def _evaluation(services: tuple[str, ...], *, at_s: float) -> Evaluation:
    score = np.full((len(services), 6), 1.5, np.float32)
    score[0, 2] = np.nan
    band = np.ones((6, 60), np.float32)
    return Evaluation(
        at_s=at_s,
        window_s=3600,
        services=services,
        signals=SIGNALS,
        score=score,
        ratio=score,
        state=np.array([ServiceState.OUTLIER] + [ServiceState.OK] * (len(services) - 1), np.int8),
        shift=np.array([1.6, 1, 1, 1, 1, np.nan], np.float32),
        peer_low=band,
        peer_median=band,
        peer_high=band,
        flags=(),
        events=(),
    )


def _page(series: FleetCollector) -> dict[str, float]:
    """The series of a scrape and their values."""
    registry = CollectorRegistry()
    registry.register(series)
    lines = generate_latest(registry).decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_at_most_seven_series_a_service_and_none_without_data(tmp_path: Path) -> None:
    shown = FleetCollector(tmp_path, stale_after_s=300)
    assert _page(shown) == {}
    now_s = time.time()
    shown.show(_evaluation(("web", "mail"), at_s=now_s))
    page = _page(shown)
    assert page["anden_fleet_last_evaluation_timestamp_seconds"] == np.float64(now_s)
    assert page['anden_fleet_service_state{service="web"}'] == ServiceState.OUTLIER
    assert sum('service="mail"' in name for name in page) == 7
    assert 'anden_fleet_signal_score{service="web",signal="latency_p95"}' not in page
    assert page['anden_fleet_services{state="ok"}'] == 1
    assert page['anden_fleet_services{state="no_data"}'] == 0
    assert page['anden_fleet_shift_ratio{signal="request_rate"}'] == np.float32(1.6)
    assert 'anden_fleet_shift_ratio{signal="saturation"}' not in page


@pytest.mark.parametrize("shared", [True, False])
def test_a_service_that_shifts_with_its_zone_has_its_own_state(tmp_path: Path, shared: bool) -> None:
    shown = FleetCollector(tmp_path if shared else None, stale_after_s=300)
    led = [replace(flag(name, "latency_p95"), zone="a") for name in ("mail", "both")]
    flags = (flag("web"), *led, flag("both", "error_ratio"))
    shown.show(evaluation(("web", "mail", "both", "well"), *flags, at_s=time.time()))
    page = _page(shown)
    states = {name: page[f'anden_fleet_service_state{{service="{name}"}}'] for name in ("web", "mail", "both", "well")}
    assert states == {
        "web": ServiceState.OUTLIER,
        "mail": SHIFTED_WITH_ZONE,
        "both": ServiceState.OUTLIER,
        "well": ServiceState.OK,
    }
    assert page['anden_fleet_services{state="outlier"}'] == 3


def test_a_vanished_service_is_not_in_the_next_scrape(tmp_path: Path) -> None:
    evaluator, web = (FleetCollector(tmp_path, stale_after_s=300) for _ in range(2))
    evaluator.show(_evaluation(("web", "mail"), at_s=time.time()))
    assert any('service="mail"' in name for name in _page(web))
    evaluator.show(_evaluation(("web",), at_s=time.time()))
    assert not any('service="mail"' in name for name in _page(web))
    (tmp_path / FILE).unlink()
    assert _page(web) == {}


def test_a_stale_evaluation_exports_only_its_time(tmp_path: Path) -> None:
    for folder in (tmp_path, None):
        shown = FleetCollector(folder, stale_after_s=300)
        shown.show(_evaluation(("web",), at_s=time.time() - 301))
        assert list(_page(shown)) == ["anden_fleet_last_evaluation_timestamp_seconds"]


def test_a_broken_file_does_not_fail_the_scrape(tmp_path: Path) -> None:
    shown = FleetCollector(tmp_path, stale_after_s=300)
    (tmp_path / FILE).write_bytes(b"half of a")
    assert _page(shown) == {}
    shown.show(_evaluation(("web",), at_s=time.time()))
    assert len(_page(shown)) > 1
    (tmp_path / FILE).write_bytes(b"broken now")
    assert _page(shown)['anden_fleet_service_state{service="web"}'] == ServiceState.OUTLIER
