"""Charts stay inside their box, whatever the values."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st

from apps.console.core.chart import bars, sparkline

VALUES = st.lists(st.floats(min_value=0, max_value=1e12), max_size=80)


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"(-?[\d.]+),(-?[\d.]+)", path)]


@given(VALUES)
def test_a_sparkline_has_a_point_for_each_value_within_its_box(values: list[float]) -> None:
    spark = sparkline(values, width=100, height=20)
    found = points(spark.line)
    assert len(found) == (2 if len(values) == 1 else len(values))
    assert all(0 <= x <= 100 and 0 <= y <= 20 for x, y in found)
    assert [x for x, _ in found] == sorted(x for x, _ in found)


@given(st.lists(st.integers(min_value=0, max_value=10**9), min_size=2, max_size=60))
def test_a_higher_value_is_never_drawn_lower(values: list[int]) -> None:
    heights = [y for _, y in points(sparkline(values).line)]
    for value, y in zip(values, heights, strict=True):
        assert all(y <= other for low, other in zip(values, heights, strict=True) if low < value)


@given(VALUES)
def test_bars_start_at_the_bottom_do_not_overlap_and_are_empty_for_zero(values: list[float]) -> None:
    drawn = bars(values, width=300, height=50)
    assert [bar.value for bar in drawn] == values
    assert all(abs(bar.y + bar.height - 50) < 0.02 and bar.y >= 0 for bar in drawn)
    assert all((bar.height > 0) == (value > 0) for bar, value in zip(drawn, values, strict=True))
    assert all(a.x + a.width <= b.x + 0.02 for a, b in itertools.pairwise(drawn))
    assert all(bar.x + bar.width <= 300.02 for bar in drawn)
