"""Sentences for a reader at three in the morning."""

import pytest

from apps.fleet.engine.evaluation import OutlierFlag
from apps.fleet.engine.sentences import flag_sentence, format_factor, format_quantity, format_time
from apps.fleet.engine.signals import SIGNAL_BY_NAME

AT_S = 1_762_948_800.0
WRITE = OutlierFlag(
    service="checkout",
    signal="database_write",
    kind="level",
    value=0.041,
    baseline=0.013,
    peer_median=0.01327,
    score=7.2,
    window_s=3600.0,
    peers=49,
    since_s=AT_S - 1500.0,
    sentence="",
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0000412, "seconds", "41 µs"),
        (0.0413, "seconds", "41 ms"),
        (0.0045, "seconds", "4.5 ms"),
        (0.9996, "seconds", "1.0 s"),
        (0.0009997, "seconds", "1.0 ms"),
        (12.34, "seconds", "12 s"),
        (0.0123, "ratio", "1.2 %"),
        (0.5, "ratio", "50 %"),
        (0.0, "ratio", "0 %"),
        (380.4, "requests/s", "380 requests/s"),
        (12_345.0, "requests/s", "12,345 requests/s"),
        (0.25, "requests/s", "0.25 requests/s"),
    ],
)
def test_values_have_readable_units(value: float, unit: str, text: str) -> None:
    assert format_quantity(value, unit) == text


@pytest.mark.parametrize(
    ("ratio", "text"), [(3.14, "3.1 times"), (12.2, "12 times"), (0.312, "0.31 times"), (9e9, "more than 1,000 times")]
)
def test_factors_have_two_figures(ratio: float, text: str) -> None:
    assert format_factor(ratio) == text


def test_a_time_of_another_day_has_its_date() -> None:
    assert format_time(AT_S - 60, AT_S) == "11:59 UTC"
    assert format_time(AT_S - 86_400, AT_S) == "2025-11-11 12:00 UTC"


def test_a_flag_is_described_in_one_sentence() -> None:
    assert flag_sentence(WRITE, SIGNAL_BY_NAME["database_write"], at_s=AT_S) == (
        "Database write time of checkout is 3.2 times its baseline for this time of day (41 ms, baseline 13 ms); "
        "its 49 peers are at 1.02 times theirs. Since 11:35 UTC."
    )
