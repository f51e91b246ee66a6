"""Significance of event shares, such as failed requests per request, against pure counting noise."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.blocks import sane
from apps.fleet.engine.observation import Floats, Observation
from apps.fleet.engine.robust import median

_CONTINUITY: Final = 3 / 8
_CERTAIN: Final = 1e6


def counting_z(observation: Observation, shift: Floats, *, latest: int) -> Floats:
    """The z of the events counted in the `latest` points, S × K; infinite for signals that are not shares.

    `shift`, K, is the logarithm of the fleet's shift. A few events more or less are not significant, however steady
    the service was on earlier days.
    Source: F. J. Anscombe, The transformation of Poisson, binomial and negative-binomial data, 1948.
    """
    names = [signal.name for signal in observation.signals]
    found = np.full(observation.now.shape[:2], np.inf, np.float32)
    for column, signal in enumerate(observation.signals):
        if signal.share_of not in names:
            continue
        rate = median(sane(observation.now[:, names.index(signal.share_of), -latest:])).astype(np.float64)
        asked = np.nan_to_num(rate) * observation.step_s * latest
        now = _mean(observation.now[:, column, -latest:])
        expected = median(_mean(observation.past[:, column]).astype(np.float32)) * np.exp(shift[column])
        z = 2 * (_steady(now * asked) - _steady(expected * asked))
        found[:, column] = np.clip(z, -_CERTAIN, _CERTAIN)
    return found


def _mean(values: Floats) -> NDArray[np.float64]:
    """The mean over the last axis, NaN without data. A median would hide rare events."""
    values = sane(values)
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=-1, dtype=np.float64)
    return np.where(known.any(axis=-1), total / np.maximum(known.sum(axis=-1), 1), np.nan)


def _steady(events: NDArray[np.float64]) -> NDArray[np.float64]:
    """The variance-stabilized count: its standard deviation is one half, whatever the count."""
    return np.asarray(np.sqrt(np.nan_to_num(events) + _CONTINUITY))
