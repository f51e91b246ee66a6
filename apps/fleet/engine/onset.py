"""When a series left its baseline, and whether abruptly or gradually."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from apps.fleet.engine.observation import Floats

_CLEARLY: Final = 1.04
"""A slope must explain this many times as much as a step."""
_WILD: Final = 2.0


@dataclass(frozen=True, slots=True)
class Onset:
    """Per series: the index of the first deviating point, and whether it left gradually."""

    point: NDArray[np.int64]
    gradual: NDArray[np.bool_]


def onset(left: Floats, effect: Floats) -> Onset:
    """The split of the window that explains each series best; `left` F × W, `effect` F, both logarithms.

    A step is zero before its point and constant after it; a slope is zero before its point and then rises evenly.
    """
    size = np.abs(effect)[:, None]
    known = np.isfinite(left)
    held = np.clip(np.where(known, left * np.sign(effect)[:, None], 0), -size, _WILD * size).astype(np.float64)
    points = left.shape[1]
    if not points:
        return Onset(np.zeros(len(left), np.int64), np.zeros(len(left), bool))
    steps = np.tril(np.ones((points, points)))
    slopes = np.clip(np.arange(points)[:, None] - np.arange(points)[None] + 1.0, 0, None)
    step, slope = _gain(held, known, steps), _gain(held, known, slopes)
    # A slope over a few points is a step with noise.
    slope[:, points - max(points // 3, 1) :] = 0
    gradual = slope.max(axis=1) > _CLEARLY * step.max(axis=1)
    return Onset(np.where(gradual, slope.argmax(axis=1), step.argmax(axis=1)), gradual)


def _gain(held: NDArray[np.float64], known: NDArray[np.bool_], shapes: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much of each series' sum of squares each shape explains, F × shapes (the columns)."""
    fit = held @ shapes
    return np.asarray(np.where(fit > 0, fit**2 / np.maximum(known @ shapes**2, 1e-9), 0))
