"""The texts of the Fleet page: outliers first, and unknown is never called healthy."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from apps.fleet.engine.evaluation import ServiceState
from apps.fleet.engine.signals import SIGNAL_BY_NAME
from apps.fleet.engine.view import FleetView, RankedService, SmallMultiple
from apps.fleet.pages.fleet import fleet_page
from apps.fleet.pages.service import signal_gauge
from tests.evaluations import START_S, event, flag

AT = datetime.fromtimestamp(START_S, UTC)
HEALTHY = FleetView(
    at=AT,
    age_s=20,
    counts={ServiceState.OK: 50, ServiceState.OUTLIER: 0, ServiceState.NO_DATA: 0, ServiceState.LEARNING: 0},
    shifts={"latency_p95": 1.02, "request_rate": 0.5, "error_ratio": float("nan")},
    events=(),
    worst=(),
    times=tuple(datetime.fromtimestamp(START_S - 60 * back, UTC) for back in (2, 1, 0)),
    heat=np.full((50, 3), 0.3, np.float32),
    heat_labels=tuple(f"service-{number}" for number in range(50)),
    multiples=(),
    duration_s=0.2,
)
OUTLIER = replace(
    HEALTHY,
    counts={ServiceState.OK: 47, ServiceState.OUTLIER: 2, ServiceState.NO_DATA: 1, ServiceState.LEARNING: 0},
    worst=(
        RankedService(
            "checkout", ServiceState.OUTLIER, flag("checkout", score=12.34), np.array([0.1, np.nan, 12.3], np.float32)
        ),
        RankedService(
            "search", ServiceState.OUTLIER, flag("search", "latency_p95"), np.array([0.1, 4, 8], np.float32)
        ),
    ),
)


@pytest.mark.parametrize(
    ("view", "tone", "headline"),
    [
        (HEALTHY, "good", "All 50 services are healthy"),
        (OUTLIER, "bad", "2 of 50 services are outliers"),
        (
            replace(OUTLIER, counts={ServiceState.OUTLIER: 1, ServiceState.OK: 49}, worst=OUTLIER.worst[:1]),
            "bad",
            "checkout is an outlier among 50 services",
        ),
        (
            replace(HEALTHY, counts={ServiceState.OK: 48, ServiceState.NO_DATA: 2}),
            "warn",
            "No data from 2 of 50 services",
        ),
        (replace(HEALTHY, events=(event(),)), "bad", "The entire fleet has shifted"),
        (
            replace(OUTLIER, events=(event(),)),
            "bad",
            "The entire fleet has shifted, and 2 services are outliers on their own",
        ),
        (
            replace(
                OUTLIER,
                events=(event("b"),),
                worst=(OUTLIER.worst[0], replace(OUTLIER.worst[1], flag=replace(flag("search"), zone="b"))),
            ),
            "bad",
            "Zone b has shifted, and 1 service is an outlier on its own",
        ),
        (replace(HEALTHY, events=(event("b"), event("c"))), "bad", "Zones have shifted"),
        (replace(HEALTHY, stale_reason="No evaluator runs."), "good", "All 50 services are healthy"),
        (
            replace(HEALTHY, counts={ServiceState.NO_DATA: 50}, stale_reason="No evaluator runs."),
            "bad",
            "The current state of the fleet is unknown",
        ),
    ],
)
def test_the_headline_names_the_worst_first(view: FleetView, tone: str, headline: str) -> None:
    page = fleet_page(view)
    assert (page.tone, page.headline) == (tone, headline)


def test_the_stale_reason_and_events_are_banners() -> None:
    events = (event(), event(signal="error_ratio"), event("b"))
    banners = fleet_page(replace(HEALTHY, stale_reason="No evaluator runs.", events=events)).banners
    assert [banner.title for banner in banners] == ["Stale data", "", ""]
    assert banners[2].sentence.startswith("Zone b")


def test_the_fleet_shift_is_the_largest_in_either_direction() -> None:
    page = fleet_page(HEALTHY)
    assert (page.shift, page.shift_note) == ("×0.50", "request rate, the largest shift")
    assert fleet_page(replace(HEALTHY, shifts={})).shift == "–"


def test_a_row_has_every_figure_in_its_unit_and_its_name_once() -> None:
    row, other = fleet_page(OUTLIER).rows
    assert (row.value, row.baseline, row.score, row.signal) == ("6.0 %", "2.0 %", "12.3", "Error ratio")
    assert "checkout" not in row.sentence
    assert "3.0 times its baseline" in row.sentence
    assert other.value == "60 ms"
    assert row.spark.line.count("M") == 2
    assert row.spark.label == "Score of checkout: now 12.3, at most 12.3"


def test_unlisted_outliers_are_counted() -> None:
    assert fleet_page(replace(OUTLIER, counts={ServiceState.OUTLIER: 31, ServiceState.OK: 969})).left_out == 29


def test_shared_rows_are_not_links() -> None:
    labels = ("a service", "1,038 services", "many services")
    heat = np.array([[1, 2, 3], [np.nan, 9, np.nan], [np.nan] * 3], np.float32)
    page = fleet_page(replace(HEALTHY, heat=heat, heat_labels=labels))
    assert [row.many for row in page.heat.rows] == [False, True, False]
    assert page.heat.shared
    assert [row.worst for row in page.heat.rows] == ["3.0", "9.0", "–"]
    assert page.heat.rows[2].label_text == "many services: no data now"


def test_a_plot_has_the_band_and_the_line_on_one_scale() -> None:
    nan = float("nan")
    multiple = SmallMultiple(
        flag("checkout", "latency_p95"),
        times_s=(START_S - 60, START_S),
        values=(0.05, nan),
        low=(0.01, 0.01),
        median=(0.015, 0.016),
        high=(0.02, 0.1),
    )
    (plot,) = fleet_page(replace(OUTLIER, multiples=(multiple,))).plots
    assert plot.top == "100 ms"
    assert plot.band.endswith("Z")
    assert "peers 21 ms" in plot.label


def test_an_empty_fleet_is_empty() -> None:
    assert fleet_page(
        replace(HEALTHY, counts={}, heat=np.empty((0, 0), np.float32), heat_labels=(), times=())
    ).is_empty


def test_a_signal_without_data_has_a_tone_but_no_position() -> None:
    nan = float("nan")
    figures = {"baseline": 0.02, "low": 0.018, "median": 0.02, "high": 0.025, "threshold": 4.0}
    signal = SIGNAL_BY_NAME["latency_p95"]
    silent = signal_gauge(signal, value=nan, score=nan, **figures)
    assert (silent.known, silent.tone, silent.value, silent.score) == (False, "warn", "–", "–")
    faulty = signal_gauge(signal, value=0.08, score=9.0, **figures)
    assert (faulty.tone, faulty.known) == ("bad", True)
    assert faulty.band_left < faulty.baseline_at < faulty.band_left + faulty.band_width < faulty.value_at < 100
