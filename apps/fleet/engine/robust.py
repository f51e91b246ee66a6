"""Medians and other robust statistics over arrays with gaps: NaN is ignored, never counted as zero."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats

Doubles = NDArray[np.float64]

_ERFC: Final = (
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807,
    -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223,
)  # fmt: skip
MAD_TO_DEVIATION: Final = 1.4826
"""Scales the median absolute deviation of a normal distribution to its standard deviation."""


def median(values: Floats) -> Floats:
    """The median over the last axis, NaN without data.

    Sorting puts NaN last and is fifty times as fast as numpy.nanmedian.
    """
    if not values.shape[-1]:
        return np.full(values.shape[:-1], np.nan, np.float32)
    ordered = np.sort(values, axis=-1)
    known = (~np.isnan(ordered)).sum(axis=-1, keepdims=True)
    last = np.maximum(known - 1, 0)
    low = np.take_along_axis(ordered, last // 2, axis=-1)
    high = np.take_along_axis(ordered, (last + 1) // 2, axis=-1)
    return np.asarray((low + high)[..., 0] * np.float32(0.5))


def median_of_services(values: Floats, *, least: int = 1) -> Floats:
    """The median over the first axis; zero if fewer than `least` services have data."""
    across = np.ascontiguousarray(np.moveaxis(values, 0, -1))
    found = median(across)
    found[(~np.isnan(across)).sum(axis=-1) < least] = 0.0
    return np.nan_to_num(found)


def midmean(values: Floats, *, least: int = 1) -> Floats:
    """The mean of the middle half of the last axis (of three: the middle), NaN with fewer than `least` values."""
    ordered = np.sort(values, axis=-1)
    known = (~np.isnan(ordered)).sum(axis=-1, keepdims=True)
    cut = (known + 1) // 4
    place = np.arange(values.shape[-1])
    inside = (place >= cut) & (place < known - cut)
    total = np.where(inside, ordered, np.float32(0)).sum(axis=-1)
    kept = np.maximum(known - 2 * cut, 1)[..., 0]
    return np.where(known[..., 0] >= max(1, least), total / kept, np.nan).astype(np.float32)


def deviation(values: Floats) -> Floats:
    """The robust standard deviation around the median over the last axis."""
    return np.asarray(np.float32(MAD_TO_DEVIATION) * median(np.abs(values - median(values)[..., None])))


def tail_share(z: Doubles) -> Doubles:
    """The probability that a normal deviate exceeds z ≥ 0; the relative error is below 1e-6.

    Source: W. H. Press et al., Numerical Recipes, erfcc.
    """
    x = z / math.sqrt(2)
    t = 1 / (1 + x / 2)
    series = np.zeros_like(t)
    for coefficient in _ERFC:
        series = series * t + coefficient
    return np.asarray(t * np.exp(series - x * x) / 2)


def tail_z(share: Doubles) -> Doubles:
    """The z ≥ 0 that a normal deviate exceeds with this probability, up to one half, to within 0.001.

    Source: M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions, 26.2.23.
    """
    t = np.sqrt(-2 * np.log(np.clip(share, 1e-300, 0.5)))
    bent = t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (
        1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t
    )
    return np.asarray(np.maximum(bent, 0))


def normal_tail(share: float) -> float:
    """The z that a normal deviate exceeds with this probability."""
    low, high = 0.0, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        if math.erfc(middle / math.sqrt(2)) / 2 > share:
            low = middle
        else:
            high = middle
    return low


def digamma(x: float) -> float:
    """The logarithmic derivative of the gamma function, x > 0."""
    shift = 0.0
    while x < 6:
        shift -= 1 / x
        x += 1
    return shift + math.log(x) - 1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4)


def trigamma(x: float) -> float:
    """The derivative of digamma, x > 0."""
    shift = 0.0
    while x < 6:
        shift += 1 / x**2
        x += 1
    return shift + 1 / x + 1 / (2 * x**2) + 1 / (6 * x**3) - 1 / (30 * x**5)
