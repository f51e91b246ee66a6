"""The words of the Fleet page: what is sick is format_short first, and what is not known is never called well."""

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
WELL = FleetView(
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
SICK = replace(
    WELL,
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
        (WELL, "good", "All 50 services are as usual"),
        (SICK, "bad", "2 of 50 services stand out"),
        (
            replace(SICK, counts={ServiceState.OUTLIER: 1, ServiceState.OK: 49}, worst=SICK.worst[:1]),
            "bad",
            "checkout stands out among 50 services",
        ),
        (
            replace(WELL, counts={ServiceState.OK: 48, ServiceState.NO_DATA: 2}),
            "warn",
            "2 of 50 services give no data",
        ),
        (replace(WELL, events=(event(),)), "bad", "The whole fleet moves together"),
        (
            replace(SICK, events=(event(),)),
            "bad",
            "The whole fleet moves together, and 2 services stand out by themselves",
        ),
        (
            replace(
                SICK,
                events=(event("b"),),
                worst=(SICK.worst[0], replace(SICK.worst[1], flag=replace(flag("search"), zone="b"))),
            ),
            "bad",
            "Zone b moves together, and 1 service stands out by itself",
        ),
        (replace(WELL, events=(event("b"), event("c"))), "bad", "Zones move together"),
        (replace(WELL, stale_reason="Nobody evaluates."), "good", "All 50 services are as usual"),
        (
            replace(WELL, counts={ServiceState.NO_DATA: 50}, stale_reason="Nobody evaluates."),
            "bad",
            "Nobody knows how the fleet is now",
        ),
    ],
)
def test_the_headline_says_the_worst_first(view: FleetView, tone: str, headline: str) -> None:
    page = fleet_page(view)
    assert (page.tone, page.headline) == (tone, headline)


def test_trouble_and_events_are_banners_one_for_each_place() -> None:
    events = (event(), event(signal="error_ratio"), event("b"))
    banners = fleet_page(replace(WELL, stale_reason="Nobody evaluates.", events=events)).banners
    assert [banner.title for banner in banners] == ["Not the fleet of now", "", ""]
    assert banners[2].sentence.startswith("zone b")


def test_the_shift_is_that_of_the_signal_that_moved_most_either_way() -> None:
    page = fleet_page(WELL)
    assert (page.shift, page.shift_note) == ("×0.50", "request rate, the most of all signals")
    assert fleet_page(replace(WELL, shifts={})).shift == "–"


def test_a_row_has_every_figure_in_its_unit_and_its_name_once() -> None:
    row, other = fleet_page(SICK).rows
    assert (row.value, row.baseline, row.score, row.signal) == ("6.0 %", "2.0 %", "12.3", "Error ratio")
    assert "checkout" not in row.sentence
    assert "3.0 times its usual" in row.sentence
    assert other.value == "60 ms"
    assert row.spark.line.count("M") == 2
    assert row.spark.label == "Score of checkout: now 12.3, at most 12.3"


def test_what_is_not_listed_is_counted() -> None:
    assert fleet_page(replace(SICK, counts={ServiceState.OUTLIER: 31, ServiceState.OK: 969})).left_out == 29


def test_rows_that_stand_for_many_are_no_links() -> None:
    labels = ("a service", "1,038 services", "many services")
    heat = np.array([[1, 2, 3], [np.nan, 9, np.nan], [np.nan] * 3], np.float32)
    page = fleet_page(replace(WELL, heat=heat, heat_labels=labels))
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
    (plot,) = fleet_page(replace(SICK, multiples=(multiple,))).plots
    assert plot.top == "100 ms"
    assert plot.band.endswith("Z")
    assert "peers 21 ms" in plot.label


def test_an_empty_fleet_is_said_to_be_empty() -> None:
    assert fleet_page(replace(WELL, counts={}, heat=np.empty((0, 0), np.float32), heat_labels=(), times=())).is_empty


def test_a_signal_without_data_has_no_place_on_its_line_but_a_tone() -> None:
    nan = float("nan")
    figures = {"baseline": 0.02, "low": 0.018, "median": 0.02, "high": 0.025, "threshold": 4.0}
    signal = SIGNAL_BY_NAME["latency_p95"]
    silent = signal_gauge(signal, value=nan, score=nan, **figures)
    assert (silent.known, silent.tone, silent.value, silent.score) == (False, "warn", "–", "–")
    sick = signal_gauge(signal, value=0.08, score=9.0, **figures)
    assert (sick.tone, sick.known) == ("bad", True)
    assert sick.band_left < sick.usual_at < sick.band_left + sick.band_width < sick.value_at < 100
