"""Short figures stay accurate, however large."""

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
def test_a_count_is_rounded_down_by_less_than_a_hundredth(value: float) -> None:
    match = re.fullmatch(r"([\d.]{1,4})([kMGT]?)", short_count(value))
    assert match
    shown = float(match[1]) * SIZES[match[2]]
    assert shown <= value * (1 + 1e-6) + 1e-6
    assert value - shown <= max(0.01, value / 100)


@given(st.floats(min_value=0, max_value=1e9), st.floats(min_value=0, max_value=1e9))
def test_a_longer_duration_is_never_shown_as_shorter(one: float, other: float) -> None:
    sizes = {"s": 1, "min": 60, "h": 3600, "d": 86400}

    def shown(seconds: float) -> int:
        count, unit = short_span(seconds).split(" ")
        return int(count) * sizes[unit]

    assert shown(min(one, other)) <= shown(max(one, other))
    assert shown(one) <= one < shown(one) + sizes[short_span(one).split(" ")[1]]


def test_a_negative_duration_is_zero_and_an_unknown_one_is_a_dash() -> None:
    assert short_span(-3.0) == "0 s"
    assert short_span(None) == NOTHING
