"""A chart shows the requested window, or one that fits the dataset's age."""

import pytest

from apps.console.core.chart_windows import STEPS, WINDOWS, ChartWindow, chart_window


@pytest.mark.parametrize(
    ("name", "age_s", "chosen"),
    [
        (None, 10, "5 min"),
        (None, 5_000, "1 h"),
        ("24 h", 10, "24 h"),
        ("5 min", 5_000, "5 min"),
        ("7 y", 5_000, "1 h"),
    ],
)
def test_the_window_is_the_requested_one_or_fits_the_age(name: str | None, age_s: float, chosen: str) -> None:
    assert chart_window(name, age_s=age_s).name == chosen


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_is_as_long_as_its_name(window: ChartWindow) -> None:
    count, unit = window.name.split()
    assert window.step_s * STEPS == int(count) * {"min": 60, "h": 3600}[unit]
