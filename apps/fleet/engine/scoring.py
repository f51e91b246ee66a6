"""Calibrated z scores: how unlikely the statistics of a window are for a healthy service."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.baseline import Baseline
from apps.fleet.engine.observation import Floats
from apps.fleet.engine.robust import (
    MAD_TO_DEVIATION,
    deviation,
    digamma,
    median,
    midmean,
    tail_share,
    tail_z,
    trigamma,
)

_ENOUGH: Final = 15
"""With fewer services the fleet gives no estimate of how spreads differ."""
_UNLIKE: Final = 0.4
"""The assumed deviation of log spreads in a fleet that is too small for an estimate."""
_ALIKE: Final = 0.1
"""The minimum deviation of log spreads."""
_SILENT: Final = 0.3
"""A signal with at least this share of all-zero days is bursty."""
_BURSTS: Final = 3.0
"""The fleet's median variance is assumed to be at least the mean variance divided by this."""
_NODES: Final = np.linspace(-3.0, 3.0, 13)
"""The candidate spreads, in deviations of their logarithm over the fleet."""


@dataclass(frozen=True, slots=True)
class WindowStatistic:
    """One figure of each service's window, S × K, and the same figure of its earlier days, S × K × D."""

    now: Floats
    past: Floats


@dataclass(frozen=True, slots=True)
class StatisticScore:
    """`score` is a z, S × K, NaN without data; `highest` and `lowest` are the second highest and second lowest of the
    earlier days' figures.
    """

    score: Floats
    lowest: Floats
    highest: Floats


def level(baseline: Baseline, blocks: int) -> WindowStatistic:
    """The deviation of the latest blocks from the baseline."""
    least = (blocks + 1) // 2
    return WindowStatistic(
        midmean(baseline.left[..., -blocks:], least=least),
        midmean(baseline.past_left[..., -blocks:], least=least),
    )


def slope(baseline: Baseline) -> WindowStatistic:
    """How far a service drifted within the window, from its first blocks to its last."""
    return WindowStatistic(_slope(baseline.left), _slope(baseline.past_left))


def _slope(left: Floats) -> Floats:
    middle = midmean(left, least=left.shape[-1] // 2)[..., None]
    reach = 3 * deviation(left)[..., None]
    held = np.clip(left, middle - reach, middle + reach)
    known = ~np.isnan(held)
    place = np.linspace(-0.5, 0.5, left.shape[-1], dtype=np.float32) if left.shape[-1] > 1 else np.zeros(1, np.float32)
    count = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    place = np.where(known, place - np.where(known, place, 0).sum(axis=-1, keepdims=True) / count, 0)
    spread = (place**2).sum(axis=-1)
    moved = (place * np.where(known, held - middle, 0)).sum(axis=-1)
    return np.where((known.sum(axis=-1) >= 4) & (spread > 0), moved / np.maximum(spread, 1e-6), np.nan).astype(
        np.float32
    )


def score(statistic: WindowStatistic, *, floor: float, apart: NDArray[np.bool_]) -> StatisticScore:
    """The z score of the window's figure for each service.

    A service has only a few earlier days, so their evidence about its spread is combined with the distribution of
    spreads over the fleet, and the figure is evaluated under every plausible spread. `floor` is a deviation without
    meaning; services that are `apart`, S × K, do not count for the spread of the others.
    """
    days = (~np.isnan(statistic.past)).sum(axis=-1).astype(np.float32)
    held = _clipped(statistic.past)
    squares = np.where(np.isnan(held), 0, held**2).sum(axis=-1) * _forecast_factor(days)
    shares = np.empty(statistic.now.shape, np.float32)
    for column in range(statistic.now.shape[1]):
        shares[:, column] = _significance(
            statistic.now[:, column], held[:, column], squares[:, column], days=days[:, column], floor=floor
        )
    ordered = np.sort(statistic.past, axis=-1)
    return StatisticScore(_calibrate(shares, apart), *_second_extremes(ordered, days.astype(np.int64)))


def _significance(now: Floats, past: Floats, squares: Floats, *, days: Floats, floor: float) -> Floats:
    """The z score of each of these figures of one signal, S."""
    there = days >= 2
    if not there.any():
        return np.full(now.shape, np.nan, np.float32)
    half = float(np.median(days[there])) / 2
    logs = np.log(np.maximum(squares[there] / days[there], 1e-8)) - np.float32(digamma(half) - math.log(half))
    centre, together = (
        float(np.median(logs)),
        float(np.log(max(np.mean(squares[there] / days[there]), 1e-8) / _BURSTS)),
    )
    if centre < together:
        # Errors come in bursts: if most days are zero, those days do not measure the variation of the others.
        centre, floor = together, math.hypot(floor, _burst(past))
    centre /= 2
    reach = _UNLIKE
    if there.sum() >= _ENOUGH:
        reach = math.sqrt(max(float(deviation(logs)) ** 2 - trigamma(half), 4 * _ALIKE**2)) / 2
    spreads = np.exp(centre + reach * _NODES)
    belief = -0.5 * _NODES**2 - days[:, None] * np.log(spreads) - squares[:, None] / (2 * spreads**2)
    belief = np.exp(belief - belief.max(axis=1, keepdims=True))
    belief /= belief.sum(axis=1, keepdims=True)
    away = np.abs(now.astype(np.float64))
    share = (belief * tail_share(away[:, None] / np.hypot(spreads, floor))).sum(axis=1)
    return np.asarray(np.copysign(tail_z(share), now), dtype=np.float32)


def _burst(past: Floats) -> float:
    """The deviation of the normal distribution with the same 99th percentile as the fleet's days."""
    known = np.abs(past[~np.isnan(past)])
    return float(np.quantile(known, 0.99)) / 2.33


def _clipped(past: Floats) -> Floats:
    """The earlier days' figures with one extreme day clipped: a past incident must not hide the next."""
    known = ~np.isnan(past)
    fleet = np.sqrt(np.where(known, past**2, 0).sum(axis=(0, 2)) / np.maximum(known.sum(axis=(0, 2)), 1))
    # The fleet's spread if the service's own median is zero.
    own = median(np.abs(past))
    reach = 4 * np.where(own > 0, own, fleet[None].astype(np.float32))[..., None]
    return np.clip(past, -reach, reach)


def _forecast_factor(days: Floats) -> Floats:
    """The factor from the variance of days around their own median to that of a new day around it."""
    loss = np.where(days >= 4, np.float32(math.pi / 2), np.float32(1.0))
    kept = np.maximum(1 - (2 - loss) / np.maximum(days, 1), 0.3)
    return np.asarray((1 + loss / np.maximum(days, 1)) / kept, dtype=np.float32)


def _calibrate(z: Floats, apart: NDArray[np.bool_]) -> Floats:
    """The scores, scaled down to a spread of one over the peers if they spread more."""
    across = np.where(apart, np.float32(np.nan), z).T.copy()
    known = (~np.isnan(across)).sum(axis=-1)
    spread = _steadier_deviation(across)
    few = known < _ENOUGH
    if few.any():
        # Few services: estimate the calibration from all signals together.
        together = _steadier_deviation(across.reshape(1, -1))[0] if known.sum() >= _ENOUGH else np.float32(1)
        spread = np.where(few, together, spread)
    return np.asarray(z / np.fmax(spread, np.float32(1))[None])


def _steadier_deviation(values: Floats) -> Floats:
    """The robust deviation from the median on the steadier side: a failing zone affects one side only."""
    away = values - median(values)[..., None]
    above, below = np.where(away >= 0, away, np.float32(np.nan)), np.where(away <= 0, -away, np.float32(np.nan))
    return np.asarray(np.float32(MAD_TO_DEVIATION) * np.fmin(median(above), median(below)))


def _second_extremes(ordered: Floats, known: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The second lowest and second highest of each sorted row; zero with fewer than three days."""
    if not ordered.shape[-1]:
        nothing = np.zeros(ordered.shape[:-1], np.float32)
        return nothing, nothing
    second = np.minimum(1, ordered.shape[-1] - 1)
    low = ordered[..., second]
    high = np.take_along_axis(ordered, np.maximum(known - 2, 0)[..., None], axis=-1)[..., 0]
    few = known < 3
    return np.where(few, 0, low).astype(np.float32), np.where(few, 0, high).astype(np.float32)
