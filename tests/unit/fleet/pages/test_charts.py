"""Geometry of the fleet's charts: gaps stay gaps, and everything stays in its box."""

import math
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.fleet.pages import charts

SCORES = st.lists(st.one_of(st.just(math.nan), st.floats(-50, 50)), max_size=80)
NUMBERS = st.lists(st.one_of(st.just(math.nan), st.floats(-1e6, 1e6)), min_size=1, max_size=80)


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"([-\d.]+),([-\d.]+)", path)]


@given(NUMBERS)
def test_a_line_stays_in_its_box_and_breaks_at_gaps(values: list[float]) -> None:
    scale = charts.scale_of(values, height=50)
    path = charts.line(values, scale, width=100)
    assert all(0 <= x <= 101 and 0 <= y <= 50 for x, y in points(path))
    known = "".join("x" if math.isfinite(value) else " " for value in values)
    assert path.count("M") == len(known.split())


@given(NUMBERS)
def test_a_band_is_closed_once_for_each_stretch(values: list[float]) -> None:
    scale = charts.scale_of(values, height=50)
    path = charts.band(values, [value + 1 for value in values], scale, width=100)
    assert path.count("M") == path.count("Z") == len(charts.line(values, scale, width=100).split("M")) - 1


def test_a_larger_value_is_drawn_higher_and_infinity_does_not_flatten_the_rest() -> None:
    scale = charts.scale_of([1.0, 9.0, math.inf], height=50)
    assert scale.high == 9.0
    assert scale.y(9) < scale.y(5) < scale.y(1)
    assert scale.y(1e9) == scale.y(9)


@given(SCORES, st.floats(1, 10))
def test_runs_cover_every_cell_once_and_alternate_in_level(scores: list[float], threshold: float) -> None:
    runs = charts.runs(scores, threshold)
    cells = [run.level for run in runs for _ in range(run.length)]
    assert cells == [charts.level(score, threshold) for score in scores]
    assert [run.start for run in runs] == [sum(run.length for run in runs[:index]) for index in range(len(runs))]
    assert all(left.level != right.level for left, right in pairwise(runs))


@given(SCORES, st.floats(1, 10))
def test_red_cells_are_exactly_the_flagged_scores(scores: list[float], threshold: float) -> None:
    for score in scores:
        level = charts.level(score, threshold)
        assert (level == charts.NO_DATA) == math.isnan(score)
        assert (level >= 2) == (abs(score) >= threshold)
        assert level < charts.LEVELS


def test_a_uniform_row_needs_one_run_at_any_length() -> None:
    assert charts.heat_paths([0.1] * 10_000, 4.0) == []
    assert charts.heat_paths([0.1, math.nan, math.nan, 5.0, 0.1], 4.0) == [
        (-1, "M1,0h2v1h-2z"),
        (2, "M3,0h1v1h-1z"),
    ]


@pytest.mark.parametrize(("value", "expected"), [(-1, 0), (0, 0), (5, 50), (10, 100), (11, 100), (math.nan, 0)])
def test_a_share_of_a_scale_is_between_0_and_100(value: float, expected: float) -> None:
    assert charts.share(value, charts.ChartScale(0, 10, 1)) == expected
