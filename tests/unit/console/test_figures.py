"""Figures stay short and true, however large."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.console.core.figures import NOTHING, short_count, short_span

SIZES = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, NOTHING),
        (math.nan, NOTHING),
        (0, "0"),
        (0.25, "0.25"),
        (7, "7"),
        (12.34, "12.3"),
        (947, "947"),
        (999.999, "999"),
        (1000, "1k"),
        (1234, "1.23k"),
        (336_776, "336k"),
        (999_999, "999k"),
        (4_500_000, "4.5M"),
        (100, "100"),
    ],
)
def test_a_count_has_three_digits_and_a_letter(value: float | None, text: str) -> None:
    assert short_count(value) == text


@given(st.floats(min_value=0, max_value=9e14))
def test_a_count_never_says_more_than_there_is_nor_misses_a_hundredth(value: float) -> None:
    match = re.fullmatch(r"([\d.]{1,4})([kMGT]?)", short_count(value))
    assert match
    told = float(match[1]) * SIZES[match[2]]
    assert told <= value * (1 + 1e-6) + 1e-6
    assert value - told <= max(0.01, value / 100)


@given(st.floats(min_value=0, max_value=1e9), st.floats(min_value=0, max_value=1e9))
def test_a_longer_span_never_looks_shorter(one: float, other: float) -> None:
    sizes = {"s": 1, "min": 60, "h": 3600, "d": 86400}

    def told(seconds: float) -> int:
        count, unit = short_span(seconds).split(" ")
        return int(count) * sizes[unit]

    assert (told(min(one, other))) <= told(max(one, other))
    assert told(one) <= one < told(one) + sizes[short_span(one).split(" ")[1]]


def test_a_clock_that_runs_ahead_shows_zero_and_the_unknown_a_dash() -> None:
    assert short_span(-3.0) == "0 s"
    assert short_span(None) == NOTHING
