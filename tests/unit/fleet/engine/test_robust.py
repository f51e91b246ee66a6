"""Robust statistics, compared with slower implementations."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from apps.fleet.engine.robust import (
    digamma,
    median,
    median_of_services,
    midmean,
    normal_tail,
    tail_share,
    tail_z,
    trigamma,
)

ROWS = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 5), st.integers(1, 13)),
    elements=st.one_of(st.just(float("nan")), st.floats(-1000, 1000, width=32)),
)


@given(values=ROWS)
def test_the_median_ignores_gaps(values: np.ndarray) -> None:
    for row, found in zip(values, median(values), strict=True):
        known = row[~np.isnan(row)]
        if len(known):
            assert found == pytest.approx(np.median(known.astype(np.float64)), rel=1e-5, abs=1e-5)
        else:
            assert np.isnan(found)


@given(values=ROWS)
def test_the_midmean_is_the_mean_of_the_middle_half(values: np.ndarray) -> None:
    for row, found in zip(values, midmean(values), strict=True):
        known = np.sort(row[~np.isnan(row)]).astype(np.float64)
        cut = (len(known) + 1) // 4
        if len(known):
            assert found == pytest.approx(known[cut : len(known) - cut].mean(), rel=1e-4, abs=1e-3)
        else:
            assert np.isnan(found)


def test_a_midmean_of_too_few_values_is_nan() -> None:
    values = np.array([[1, np.nan, np.nan, np.nan, np.nan, np.nan]], dtype=np.float32)
    assert np.isnan(midmean(values, least=3)).all()


def test_a_fleet_with_too_few_services_has_no_median() -> None:
    values = np.array([[1.0, 2.0], [3.0, np.nan], [5.0, 4.0]], dtype=np.float32)
    assert median_of_services(values, least=3).tolist() == [3.0, 0.0]


@given(z=st.floats(0, 30))
def test_tail_share_matches_the_normal_distribution(z: float) -> None:
    assert tail_share(np.array([z]))[0] == pytest.approx(math.erfc(z / math.sqrt(2)) / 2, rel=1e-6)


@given(z=st.floats(0, 30))
def test_tail_z_inverts_tail_share(z: float) -> None:
    share = math.erfc(z / math.sqrt(2)) / 2
    assert tail_z(np.array([share]))[0] == pytest.approx(z, abs=2e-3)
    assert normal_tail(share) == pytest.approx(z, abs=1e-6)


@pytest.mark.parametrize("x", [0.5, 1.0, 3.5, 40.0])
def test_digamma_and_trigamma_are_derivatives_of_log_gamma(x: float) -> None:
    step = 1e-3
    assert digamma(x) == pytest.approx((math.lgamma(x + step) - math.lgamma(x - step)) / (2 * step), rel=1e-5)
    assert trigamma(x) == pytest.approx((digamma(x + step) - digamma(x - step)) / (2 * step), rel=1e-3)
