"""How rare it would be for a service that is well to look as it does: a calibrated z for each way to stand out."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.monitoring.core.fleet.baseline import Usual
from apps.monitoring.core.fleet.observation import Floats
from apps.monitoring.core.fleet.robust import (
    deviation,
    digamma,
    median,
    midmean,
    normal_of_t,
    trigamma,
    trigamma_inverse,
)

_ENOUGH: Final = 15
"""Fewer services than this say too little about how services differ."""
_PRIOR_DAYS: Final = 4.0
"""What the fleet's word on a service's noise weighs in a small fleet, in days of the service's own past."""


@dataclass(frozen=True, slots=True)
class Look:
    """One figure of each service's window, S × K, beside the same figure of its earlier days, S × K × D."""

    now: Floats
    past: Floats


@dataclass(frozen=True, slots=True)
class Scored:
    """`score` is a z, S × K, NaN where nothing is known; `highest` the second highest of the earlier days' figures,
    `lowest` the second lowest.
    """

    score: Floats
    lowest: Floats
    highest: Floats


def level(usual: Usual, blocks: int) -> Look:
    """How far the latest blocks are from usual: what persists over them."""
    least = (blocks + 1) // 2
    return Look(
        midmean(usual.left[..., -blocks:], least=least),
        midmean(usual.past_left[..., -blocks:], least=least),
    )


def slope(usual: Usual) -> Look:
    """How much a service moved away within the window, from its first blocks to its last."""
    return Look(_slope(usual.left), _slope(usual.past_left))


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


def score(look: Look, *, floor: float) -> Scored:
    """How the window's figure compares with the service's own earlier days and with its peers.

    A service's own days are few, so that its spread is drawn to the fleet's, as much as the fleet is alike
    (Source: G. K. Smyth, Linear models and empirical Bayes methods, 2004). `floor` is a deviation that means nothing.
    """
    days = (~np.isnan(look.past)).sum(axis=-1).astype(np.float32)
    held = _held(look.past)
    squares = np.where(np.isnan(held), 0, held**2).sum(axis=-1)
    variance = np.where(days > 0, squares / np.maximum(days, 1) * _forecast(days), np.nan)
    prior, weight = _prior(variance, days)
    freedom = days + weight
    pooled = (days * np.nan_to_num(variance) + weight * prior) / np.maximum(freedom, 1e-6)
    t = look.now / np.sqrt(pooled + np.float32(floor) ** 2)
    z = normal_of_t(t, np.maximum(freedom, 1.0))
    ordered = np.sort(look.past, axis=-1)
    return Scored(_calibrated(z).astype(np.float32), *_seconds(ordered, days.astype(np.int64)))


def _held(past: Floats) -> Floats:
    """The earlier days' figures, one wild day drawn in: a past incident must not hide the next."""
    reach = 4 * median(np.abs(past))[..., None]
    return np.clip(past, -reach, reach)


def _forecast(days: Floats) -> Floats:
    """What turns the variance of days around their own median into that of a new day around it."""
    loss = np.where(days >= 4, np.float32(math.pi / 2), np.float32(1.0))
    kept = np.maximum(1 - (2 - loss) / np.maximum(days, 1), 0.3)
    return np.asarray((1 + loss / np.maximum(days, 1)) / kept, dtype=np.float32)


def _prior(variance: Floats, days: Floats) -> tuple[Floats, Floats]:
    """The fleet's variance of each signal and how many days it weighs: 1 × K each."""
    signals = variance.shape[1]
    prior, weight = (np.empty((1, signals), np.float32) for _ in range(2))
    for column in range(signals):
        there = days[:, column] >= 2
        own = np.maximum(variance[there, column], 1e-8)
        if not len(own):
            prior[0, column], weight[0, column] = 1.0, _PRIOR_DAYS
            continue
        half = float(np.median(days[there, column])) / 2
        logs = np.log(own).astype(np.float32) - np.float32(digamma(half) - math.log(half))
        own_weight = _PRIOR_DAYS
        if len(own) >= _ENOUGH:
            excess = float(deviation(logs)) ** 2 - trigamma(half)
            own_weight = 2 * trigamma_inverse(max(excess, 0.05))
        bias = digamma(own_weight / 2) - math.log(own_weight / 2)
        prior[0, column] = math.exp(float(np.median(logs)) + bias)
        weight[0, column] = own_weight
    return prior, weight


def _calibrated(z: Floats) -> Floats:
    """The scores, brought to a spread of one over the peers where they spread more than that."""
    across = np.ascontiguousarray(z.T)
    known = (~np.isnan(across)).sum(axis=-1)
    spread = np.where(known >= _ENOUGH, np.nan_to_num(deviation(across), nan=1.0), 1.0)
    return np.asarray(z / np.maximum(spread, 1.0)[None])


def _seconds(ordered: Floats, known: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The second lowest and the second highest of each sorted row; with fewer than three days: zero."""
    if not ordered.shape[-1]:
        nothing = np.zeros(ordered.shape[:-1], np.float32)
        return nothing, nothing
    second = np.minimum(1, ordered.shape[-1] - 1)
    low = ordered[..., second]
    high = np.take_along_axis(ordered, np.maximum(known - 2, 0)[..., None], axis=-1)[..., 0]
    few = known < 3
    return np.where(few, 0, low).astype(np.float32), np.where(few, 0, high).astype(np.float32)
